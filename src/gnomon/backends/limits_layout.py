"""Where everything lies in the file that the workers of a host share (`limits_local`)."""

import struct
from typing import Final

HEADER: Final = 4096
WORKERS: Final = 16  # columns of the concurrency table
METERS: Final = 65_536  # 10,000 keys fill a sixth: eight in a row are rare
BANS: Final = 16_384
GUESSES: Final = 16_384
CANARIES: Final = 256

METER: Final = struct.Struct("<Qddddqqq")  # hash, last used, the numbers of an Account
SLOTS: Final = struct.Struct(f"<{WORKERS}H")  # held by each worker
METER_SIZE: Final = METER.size + SLOTS.size
BAN: Final = struct.Struct("<Qddd")  # hash, end, and of the wall clock: since, the newest lift that was obeyed
GUESS: Final = struct.Struct("<Qdq")  # hash, start of the window, count
CANARY: Final = struct.Struct("<Qqqqd")  # hash, requests, failures, slow, retreated at
HASH: Final = struct.Struct("<Q")
DOUBLE: Final = struct.Struct("<d")
COUNT: Final = struct.Struct("<H")
PLAN: Final = struct.Struct("<Q6q")  # a Meter for the twin in C: its hash, its limits

METER_AT: Final = HEADER
BAN_AT: Final = METER_AT + METERS * METER_SIZE
GUESS_AT: Final = BAN_AT + BANS * BAN.size
CANARY_AT: Final = GUESS_AT + GUESSES * GUESS.size
SIZE: Final = CANARY_AT + CANARIES * CANARY.size

LOCK_METERS: Final = 64  # bytes of the header that stand for locks, one a table
LOCK_BANS: Final = 65
LOCK_GUESSES: Final = 66
LOCK_CANARIES: Final = 67
LOCK_SETUP: Final = 68
WORKER: Final = 128  # and one for each worker's column
WORD: Final = 192  # who changes the table
PLAIN: Final = 200  # whether a worker here has no C
