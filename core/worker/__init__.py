"""What runs jobs: workers and the processes around them that keep their promises."""
