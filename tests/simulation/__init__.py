"""Workers, keepers, janitors, schedulers and producers over one store, in a time that a seed decides about."""
