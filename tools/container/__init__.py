"""The start and the health of a container; see Dockerfile."""
