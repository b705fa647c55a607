"""What users declare: tasks, their arguments and options, and where they are found again."""
