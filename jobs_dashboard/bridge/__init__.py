"""Where Django and the engine meet: settings, the one Jobs of the process, transactions, attempts, the recorder."""
