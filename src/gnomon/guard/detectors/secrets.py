"""密钥、令牌、口令 / API keys, tokens, private keys and passwords."""

import re
from collections.abc import Iterator

from gnomon.guard.detectors.base import Detector, keyed, matching
from gnomon.guard.scan import literal
from gnomon.guard.shapes import trigger
from gnomon.guard.view import Found, View

_B = r"(?<![A-Za-z0-9_\-])"
_E = r"(?![A-Za-z0-9_\-])"
_KEYS = "|".join(
    (
        r"sk-[A-Za-z0-9_\-]{16,200}",  # OpenAI, Anthropic, DeepSeek, DashScope
        r"[sr]k_(?:live|test)_[A-Za-z0-9]{16,120}",  # Stripe
        r"(?:AKIA|ASIA|AROA|AIDA|ABIA|ACCA)[A-Z0-9]{16}",  # AWS
        r"LTAI[A-Za-z0-9]{12,26}",  # Alibaba Cloud
        r"AKID[A-Za-z0-9]{13,40}",  # Tencent Cloud
        r"AKLT[A-Za-z0-9_\-=]{16,80}",  # Volcengine
        r"gh[pousr]_[A-Za-z0-9]{30,255}",
        r"github_pat_[A-Za-z0-9_]{22,255}",
        r"glpat-[A-Za-z0-9_\-]{20,64}",
        r"xox[abeoprs]-[A-Za-z0-9\-]{10,250}",  # Slack
        r"AIza[A-Za-z0-9_\-]{35}",  # Google
        r"ya29\.[A-Za-z0-9_\-]{20,400}",
        r"hf_[A-Za-z0-9]{30,60}",
        r"npm_[A-Za-z0-9]{36}",
        r"pypi-[A-Za-z0-9_\-]{50,300}",
        r"SG\.[A-Za-z0-9_\-]{16,32}\.[A-Za-z0-9_\-]{16,64}",  # SendGrid
        r"gn-[a-z]{1,12}_[A-Za-z0-9]{8}_[A-Za-z0-9_\-]{16,64}",  # our own
    )
)
_KEY_TRIGGERS = (
    trigger(rb"sk-[A-Z0-9_-]{8}", r"sk-[A-Z0-9_\-]{8}"),
    trigger(rb"[sr]k_(?:live|test)_", "sk_live_", "rk_live_", "sk_test_", "rk_test_"),
    trigger(
        rb"a(?:kia|sia|roa|ida|bia|cca)[A-Z0-9]{8}",
        *(f"a{key}[A-Z0-9]{{8}}" for key in ("kia", "sia", "roa", "ida", "bia", "cca")),
    ),
    trigger(rb"ltai[A-Z0-9]{8}", "ltai[A-Z0-9]{8}"),
    trigger(rb"akid[A-Z0-9]{8}", "akid[A-Z0-9]{8}"),
    trigger(rb"aklt[A-Z0-9_=-]{8}", r"aklt[A-Z0-9_=\-]{8}"),
    trigger(rb"gh[pousr]_[A-Z0-9]{8}", "gh[pousr]_[A-Z0-9]{8}"),
    rb"github_pat_",
    rb"glpat-",
    trigger(rb"xox[abeoprs]-", r"xox[abeoprs]-"),
    trigger(rb"aiza[A-Z0-9_-]{8}", r"aiza[A-Z0-9_\-]{8}"),
    trigger(rb"ya29\.", r"ya29\."),
    trigger(rb"hf_[A-Z0-9]{8}", "hf_[A-Z0-9]{8}"),
    trigger(rb"npm_[A-Z0-9]{8}", "npm_[A-Z0-9]{8}"),
    trigger(rb"pypi-[A-Z0-9_-]{8}", r"pypi-[A-Z0-9_\-]{8}"),
    trigger(rb"sg\.[A-Z0-9_-]{8}", r"sg\.[A-Z0-9_\-]{8}"),
    trigger(rb"gn-[a-z]{1,12}_", "gn-[a-z]{1,12}_"),
)
_NAMED = (
    "api_key",
    "api-key",
    "apikey",
    "api key",
    "access_key",
    "access-key",
    "accesskey",
    "access key",
    "secret_key",
    "secretkey",
    "secret key",
    "secret",
    "client_secret",
    "access_token",
    "auth_token",
    "bearer",
    "api密钥",
    "密钥",
    "秘钥",
    "访问令牌",
)
_NAMED_TRIGGERS = ("key", "secret", "access_token", "auth_token", "bearer", "密钥", "秘钥", "访问令牌")
_ASSIGN = r"(?:[\s:：=＝\"'“‘「]|[是为]|(?ai:id|is)(?![A-Za-z])){1,6}"
_named_key = keyed(
    "API_KEY",
    _NAMED,
    r"(?=[A-Za-z_\-./+=]*[0-9])[A-Za-z0-9_\-./+=]{16,256}(?![A-Za-z0-9_\-./+=])",
    gap=_ASSIGN,
    inside=True,
)
_known_key = matching("API_KEY", f"{_B}(?P<v>{_KEYS}){_E}", first="[sArLgxyhnpS]")
_JWT = r"(?<![A-Za-z0-9_\-])(?P<v>eyJ[A-Za-z0-9_\-]{8,1024}\.[A-Za-z0-9_\-]{8,}(?:\.[A-Za-z0-9_\-]*){0,3})"
_JWT_BEGINS = re.compile(r"(?<![A-Za-z0-9_\-])eyJ[A-Za-z0-9_\-]{8,1024}\.[A-Za-z0-9_\-]{8}")
# A block cut off before its END is covered as far as it reaches. Its body holds no `--`, so blocks never overlap.
_NAME = r"(?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----"
_BODY = r"[A-Za-z0-9+/=\s:,.()\\]"
_CUT_END = r"(?:-----(?:E(?:N(?:D[A-Z0-9 ]{0,52}-{0,4})?)?)?|-{1,4})\Z"
_BLOCK = re.compile(rf"-----BEGIN {_NAME}{_BODY}*(?:-(?!-){_BODY}*)*(?:-----END {_NAME}|{_CUT_END})?")
_BLOCK_BEGINS = re.compile(rf"-----BEGIN {_NAME}")
# RFC 3986: anything else is percent-encoded.
_USERINFO = r"://(?P<v>[A-Za-z0-9!#$%&()*+\-.=?\[\]^_~]{0,256}:[A-Za-z0-9!#$%&()*+\-.:=?\[\]^_~]{1,256})@"
_PASSWORDS = ("password", "passwd", "pwd", "passphrase", "密码", "口令", "登录密码")
_SAID = r"(?:[\s]?[:：=＝][\s]?|\s?[是为]\s?|\"\s?:\s?|\s(?ai:is)\s)[\"'“‘「]?"
_CHOSEN = r"(?=[A-Za-z/:()\[\]]{0,63}[0-9!@#$%^&*_\-+=.?~])[A-Za-z0-9!@#$%^&*_\-+=.?~/:()\[\]]{4,64}"


def _find_key(view: View) -> Iterator[Found]:
    yield from _known_key(view)
    yield from _named_key(view)


def _find_block(view: View) -> Iterator[Found]:
    for match in _BLOCK.finditer(view.text):
        yield Found(match.start(), match.end(), "PRIVATE_KEY")


KEY = Detector("API_KEY", "密钥", (*_KEY_TRIGGERS, *map(literal, _NAMED_TRIGGERS)), _find_key, is_secret=True)
JWT = Detector(
    "JWT",
    "令牌",
    (trigger(rb"eyJ[A-Z0-9_-]{8}", r"eyJ[A-Z0-9_\-]{8}"),),
    matching("JWT", _JWT, first="eyJ"),
    is_secret=True,
    begins=_JWT_BEGINS,
)
PRIVATE_KEY = Detector("PRIVATE_KEY", "私钥", (rb"PRIVATE KEY",), _find_block, is_secret=True, begins=_BLOCK_BEGINS)
URL_PASSWORD = Detector(
    "URL_PASSWORD",
    "网址口令",
    (trigger(rb"://[^\x00-\x20/]*:[^\x00-\x20]*@", "://"),),
    matching("URL_PASSWORD", _USERINFO, first="://"),
    is_secret=True,
)
PASSWORD = Detector(
    "PASSWORD",
    "口令",
    tuple(map(literal, ("passw", "pwd", "passphrase", "密码", "口令"))),
    keyed("PASSWORD", _PASSWORDS, _CHOSEN, gap=_SAID, inside=True),
    is_secret=True,
)
