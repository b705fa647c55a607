"""Pure values and rules: nothing here talks to a store, a thread or the outside."""
