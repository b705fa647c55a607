"""Programs that build, check and run a checkout; nothing here is part of the product."""
