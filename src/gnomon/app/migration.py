"""`python -m gnomon.app.migration "what changes"`: draft the next migration from the tables as they are in the code."""

import subprocess
import sys
import tempfile
from pathlib import Path

from alembic import command
from alembic.script import ScriptDirectory

from gnomon.app.setup import alembic_config, upgrade


def draft(message: str) -> Path:
    """A new file in migrations/versions, numbered after the last; empty changes give a file that does nothing."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/draft.sqlite"
        config = alembic_config(url)
        versions = list(ScriptDirectory.from_config(config).walk_revisions())
        if versions:
            upgrade(url)
        made = command.revision(config, message=message, autogenerate=True, rev_id=f"{len(versions) + 1:04d}")
    assert made is not None, "one revision was asked for"
    assert not isinstance(made, list), "one revision was asked for"
    path = Path(made.path)
    subprocess.run([sys.executable, "-m", "ruff", "check", "-q", "--fix", str(path)], check=False)
    subprocess.run([sys.executable, "-m", "ruff", "format", "-q", str(path)], check=False)
    return path


if __name__ == "__main__":
    sys.stdout.write(f"{draft(' '.join(sys.argv[1:]) or 'change')}\n")
