"""How fast each store is by itself, beside bare commands on the same server in the same minute."""
