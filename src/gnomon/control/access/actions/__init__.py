"""Changes: keys and quotas; bans with their grades; what the platform did by itself; appeals."""

from gnomon.control.access.actions.appeals import appeal_ban, decide_appeal
from gnomon.control.access.actions.bans import ban, confirm_ban, lift_ban
from gnomon.control.access.actions.keys import issue_key, issue_own, revoke_key, set_quota
from gnomon.control.access.actions.measures import answer_suspicion, take_over_ban

__all__ = [
    "answer_suspicion",
    "appeal_ban",
    "ban",
    "confirm_ban",
    "decide_appeal",
    "issue_key",
    "issue_own",
    "lift_ban",
    "revoke_key",
    "set_quota",
    "take_over_ban",
]
