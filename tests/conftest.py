"""What holds for all tests."""

from hypothesis import HealthCheck, settings

# How long a machine that others use takes says nothing of what is tested.
settings.register_profile("shared machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared machine")
