"""The smallest value that fits a JSON schema: what the sweep sends, since an invalid body never gets to the door."""

import re
from typing import Any

# Tried in turn where a schema asks for a pattern; what none of them fits is sent as it is and shows as not reached.
TEXTS = (
    "x",
    "xx",
    "x1",
    "a-1",
    "sweep",
    "F-2026-0001",
    "OPS-1.1",
    "CTL-x",
    "zh-CN",
    "a.b",
    "0" * 64,
    "https://x.invalid",
)
FORMATS = {
    "date-time": "2030-01-01T00:00:00Z",
    "date": "2030-01-01",
    "time": "00:00:00Z",
    "email": "x@sweep.invalid",
    "uri": "https://sweep.invalid/",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "binary": "",
}


def sample(schema: dict[str, Any], described: dict[str, Any]) -> Any:
    """A value that fits `schema`; references are looked up in the API description `described`."""
    if "$ref" in schema:
        return sample(_referred(schema["$ref"], described), described)
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return schema["enum"][0]
    for choice in ("anyOf", "oneOf", "allOf"):
        if schema.get(choice):
            return sample(schema[choice][0], described)
    return _of_type(schema, described)


def _of_type(schema: dict[str, Any], described: dict[str, Any]) -> Any:
    kind = schema.get("type")
    if kind == "object":
        return _mapping(schema, described)
    if kind == "array":
        return [sample(schema.get("items", {}), described)] * int(schema.get("minItems", 0))
    if kind == "string":
        return _text(schema)
    if kind in ("integer", "number"):
        return _number(schema, whole=kind == "integer")
    return {"boolean": False, "null": None}.get(str(kind), {})


def _mapping(schema: dict[str, Any], described: dict[str, Any]) -> dict[str, Any]:
    fields: dict[str, Any] = schema.get("properties", {})
    found = {name: sample(fields.get(name, {}), described) for name in schema.get("required", [])}
    for number in range(int(schema.get("minProperties", 0)) - len(found)):
        extra = schema.get("additionalProperties")
        found[f"x{number}"] = sample(extra if isinstance(extra, dict) else {}, described)
    return found


def _text(schema: dict[str, Any]) -> str:
    if schema.get("format") in FORMATS:
        return FORMATS[schema["format"]]
    least, most = int(schema.get("minLength", 0)), int(schema.get("maxLength", 10_000))
    fitting = (text if len(text) >= least else text + text[-1] * (least - len(text)) for text in TEXTS)
    pattern = schema.get("pattern", "")
    return next((text for text in fitting if len(text) <= most and re.search(pattern, text)), "x" * max(least, 1))


def _number(schema: dict[str, Any], *, whole: bool) -> float:
    step = 1 if whole else 1e-3
    if "minimum" in schema:
        return float(schema["minimum"]) if not whole else int(schema["minimum"])
    if "exclusiveMinimum" in schema:
        return schema["exclusiveMinimum"] + step  # type: ignore[no-any-return]
    if "maximum" in schema:
        return min(schema["maximum"], 1)  # type: ignore[no-any-return]
    return 1


def _referred(reference: str, described: dict[str, Any]) -> dict[str, Any]:
    found: Any = described
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    return dict(found)
