"""A demo that audits the Python installation it runs on, written as a user of Jobs Dashboard would write it."""
