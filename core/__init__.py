"""The queue engine: plain Python, no Django. Users import it through `jobs_dashboard`."""
