"""One installation for all journeys: it starts once, and what one journey does to it the next one finds healed."""

import os
import signal
import tempfile
from collections.abc import Iterator

import pytest

from tests.fakes.upstream import Script, Upstream
from tests.journeys.installation import Installation, until


@pytest.fixture(scope="session")
def the_one() -> Iterator[Installation]:
    # Whoever ends the tests from outside leaves no installation behind either.
    before = signal.signal(signal.SIGTERM, lambda *_: pytest.exit("ended from outside", returncode=143))
    # Compiled once a machine, not once for each installation that a journey makes.
    os.environ.setdefault("GNOMON_PATTERNS", f"{tempfile.gettempdir()}/gnomon-patterns-{os.getuid()}")
    with Upstream() as upstream, Installation(upstream) as found:
        yield found
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def house(the_one: Installation) -> Installation:
    """The installation, whole, with an upstream that answers shortly."""
    the_one.upstream.script = Script(reply="好的。")
    the_one.upstream.requests.clear()
    until("the installation is whole", the_one.is_whole, within_s=60)
    return the_one
