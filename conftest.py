"""Settings of all test runs."""

from outputs import settle_environment

pytest_plugins = ["proof", "schedule", "touched"]

settle_environment()  # kernels inherit it
