"""What stands behind `./dev`: the standard library only, since it runs before anything is installed."""
