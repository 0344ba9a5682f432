"""`python -m gnomon.app.modelserver --model DIR --port N --adapters DIR`"""

import argparse
import os
import sys
from pathlib import Path

from gnomon.app import process
from gnomon.app.modelserver.serve import serve
from gnomon.app.modelserver.settings import Settings


def settings_from(arguments: list[str]) -> Settings:
    """The settings that a command line gives. The key comes from GNOMON_MODELSERVER_KEY, never from the line."""
    parser = argparse.ArgumentParser(prog="python -m gnomon.app.modelserver", description=serve.__doc__)
    parser.add_argument(
        "--model", type=Path, required=True, help="folder with config.json, tokenizer.json, safetensors"
    )
    parser.add_argument("--served-name", default="base", help="name of the model without an adapter")
    parser.add_argument("--adapters", type=Path, help="folder inside which adapters may be loaded")
    parser.add_argument("--state", type=Path, help="file that remembers loaded adapters (default: in --adapters)")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one and says which")
    parser.add_argument("--threads", type=int, default=0, help="computing threads, 0: one a core")
    parser.add_argument("--dtype", choices=("auto", "bfloat16", "float32"), default="auto")
    parser.add_argument("--max-batch", type=int, default=Settings.max_batch)
    parser.add_argument("--max-queue", type=int, default=Settings.max_queue)
    parser.add_argument("--max-length", type=int, default=Settings.max_length, help="tokens of prompt and answer")
    given = parser.parse_args(arguments)
    state = given.state or (given.adapters / ".loaded.json" if given.adapters else None)
    return Settings(**{**vars(given), "state": state}, api_key=os.environ.get("GNOMON_MODELSERVER_KEY", ""))


if __name__ == "__main__":
    process.begin("modelserver")
    sys.exit(serve(settings_from(sys.argv[1:])))
