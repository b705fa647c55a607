"""For tests of applications: `pytest_plugins = ["jobs_dashboard.testing"]`, or `with jobs_for_tests() as jobs:`."""

from core.testing import FakeClock, TestJobs, inline_jobs, jobs, jobs_for_tests

__all__ = ["FakeClock", "TestJobs", "inline_jobs", "jobs", "jobs_for_tests"]
