"""`gnomon mask train`: a tagger of names from the company's own labelled text, judged on documents it did not see."""

import hashlib
import json
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from gnomon.contract.verdicts import Span
from gnomon.guard.measure import Labelled, Measurement

if TYPE_CHECKING:
    from gnomon.guard.names.data import Document
    from gnomon.guard.names.tagger import Hinter, Leaning, Tagger

_JUDGED: Final = frozenset(("PERSON", "ORGANIZATION"))
LEANINGS: Final = (0.0, 0.5, 1.0)
"""Operating points that are judged besides the chosen one."""
_USUAL: Final = 0.5
_AT_ONCE: Final = 200
Results = dict[tuple[str, tuple[float, ...], str], Measurement]
"""By speed, leaning and file."""


@click.command()
@click.argument("data", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="写到这个文件 / File to write.")
@click.option("--folds", "count", default=5, show_default=True, help="按文档分几折评估，0 不评 / Folds; 0: not judged.")
@click.option("--epochs", default=8, show_default=True, type=click.IntRange(1, 50))
@click.option(
    "--leaning",
    default=str(_USUAL),
    show_default=True,
    callback=lambda _context, _parameter, text: _leaning(text),
    help="越大漏检越少、误报越多；可按实体 / The more, the less leaks, the more is masked without need. For all, or by "
    "entity: PERSON=1.45,ORGANIZATION=1. Several are judged.",
)
@click.option(
    "--deep", is_flag=True, help="另学一份深度档：参考 LAC / Learn for the speed deep too, with LAC as a second reader."
)
@click.option("--json", "as_json", is_flag=True, help="只写 JSON / Write JSON only.")
def train(
    data: tuple[Path, ...], out: Path, count: int, epochs: int, leaning: "Leaning", deep: bool, as_json: bool
) -> None:
    """用自己的标注数据训练姓名识别 / Train the tagger of names on your own labelled text.

    DATA is JSONL ({"text", "spans": [{"start", "end", "label"}], "doc"?}) or BIO. Each figure is of documents that the
    tagger which found them was not trained on; the file holds one trained on all, which begins with what the
    shipped one knows. A rule of ours (titles, English names) that the labels speak against is left out, and said.
    """
    from gnomon.guard.names.artefact import save  # megabytes that only those who look for names need
    from gnomon.guard.names.data import apart, folds, read, refuted
    from gnomon.guard.names.deep import lac

    readers: dict[str, Hinter | None] = {"names": None} | ({"deep": _remembered(lac().hints)} if deep else {})
    documents = {path: read(path) for path in data}
    every = [document for part in documents.values() for document in part]
    results: Results = {}
    if count > 1:
        splits = [list(folds(part, count)) for part in documents.values()]
        for number in range(count):
            learned = [document for split in splits for document in split[number][0]]
            judged = [document for split in splits for document in split[number][1]]
            learned = apart(learned, judged)
            for speed, hints in readers.items():
                tagger = _trained(learned, epochs, hints, f"折 fold {number + 1}/{count} {speed}")
                _judge(tagger, refuted(learned), judged, (speed, leaning), results)
    report = [
        {"speed": speed, "leaning": _told(at), "source": source, **_figures(result)}
        for (speed, at, source), result in results.items()
    ]
    without = refuted(every)
    if not as_json:
        click.echo(_table(report))
        for rule in without:
            click.echo(f"标注与规则不符，不用 / the labels speak against the rule, left out: {rule}")
    taggers = {
        speed: replace(_trained(every, epochs, hints, f"全部 all {speed}"), leaning=leaning, hints=None)
        for speed, hints in readers.items()
    }
    about = {
        "name": out.stem,
        "made_by": "gnomon mask train",
        "at": int(time.time()),
        "epochs": epochs,
        "leaning": _told(leaning),
        "without": without,
        "data": [{"file": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()} for path in data],
        "folds": count,
        "by_document": report,
    }
    about["sha256"] = save(out, taggers["names"], about, deep=taggers.get("deep"), without=without)
    click.echo(json.dumps(about, ensure_ascii=False) if as_json else f"{out}: sha256 {about['sha256']}")


def _leaning(text: str) -> "Leaning":
    """From a number, or from numbers by entity; those not named lean as usual."""
    from gnomon.guard.names.tagger import ENTITIES

    told = dict.fromkeys(ENTITIES, _USUAL)
    for part in text.split(","):
        entity, _, number = part.rpartition("=")
        if entity and entity not in ENTITIES:
            raise click.BadParameter(f"{entity} is none of {', '.join(ENTITIES)}.")
        try:
            much = float(number)
        except ValueError:
            raise click.BadParameter(f"{number!r} is no number.") from None
        if not -100 <= much <= 100:
            raise click.BadParameter(f"{number} is not from -100 to 100.")
        told |= {entity: much} if entity else dict.fromkeys(ENTITIES, much)
    return tuple(told[entity] for entity in ENTITIES)


def _told(leaning: "Leaning") -> float | dict[str, float]:
    from gnomon.guard.names.tagger import ENTITIES

    return leaning[0] if len(set(leaning)) == 1 else dict(zip(ENTITIES, leaning, strict=True))


def _remembered(hints: "Hinter") -> "Hinter":
    """The same, asked once a sentence: folds and leanings look at the same text."""
    known: dict[str, Any] = {}

    def remembered(sentences: list[str]) -> list[Any]:
        new = [sentence for sentence in dict.fromkeys(sentences) if sentence not in known]
        known.update(zip(new, hints(new), strict=True))
        return [known[sentence] for sentence in sentences]

    return remembered


def _trained(documents: "list[Document]", epochs: int, hints: "Hinter | None", title: str) -> "Tagger":
    from gnomon.guard.names import training
    from gnomon.guard.names.artefact import load
    from gnomon.guard.names.data import swapped as with_others

    sentences = [sentence for document in documents for sentence in document.sentences]
    with click.progressbar(length=epochs, label=title, file=sys.stderr) as bar:

        def progress(_epoch: int, _loss: float) -> None:
            bar.update(1)

        shipped = load().tagger
        return training.train(
            [*sentences, *with_others(sentences)],
            shipped.lexicon,
            settings=training.Settings(epochs=epochs, dropout=0.5, mean=max(1, epochs // 2)),
            hints=hints,
            start=shipped,
            progress=progress,
        )


def _judge(
    tagger: "Tagger", without: "list[str]", documents: "list[Document]", at: "tuple[str, Leaning]", results: Results
) -> None:
    """Adds what is found with several leanings, the chosen one among them."""
    from gnomon.guard.names.finder import NameFinder, by_rules
    from gnomon.guard.names.tagger import evenly

    speed, chosen = at
    rows = [(document.source, sentence) for document in documents for sentence in document.sentences]
    for leaning in sorted({*map(evenly, LEANINGS), chosen}):
        finder = NameFinder([replace(tagger, leaning=leaning).find, by_rules(without)])
        for start_at in range(0, len(rows), _AT_ONCE):
            at_once = rows[start_at : start_at + _AT_ONCE]
            found = finder.names([sentence.text for _, sentence in at_once])
            for (source, sentence), row in zip(at_once, found, strict=True):
                true = [Labelled(start, end, entity) for start, end, entity in sentence.names]
                result = results.setdefault((speed, leaning, source), Measurement(_JUDGED))
                result.add(sentence.text, true, [Span(*item) for item in row if item.entity in _JUDGED])


def _figures(result: Measurement) -> dict[str, Any]:
    return {name: result.entities[name].as_dict() for name in sorted(result.entities) if name in _JUDGED}


def _table(report: list[dict[str, Any]]) -> str:
    if not report:
        return "未评估 / not judged"
    lines = [f"{'':48}{'n':>7}{'F1':>8}{'P':>8}{'R':>8}  漏检 leak [95 %]"]
    for row in report:
        for name in sorted(_JUDGED & row.keys()):
            one = row[name]
            low, high = one["leak_95"]
            numbers = "".join(f"{one[key] or 0:8.3f}" for key in ("f1", "precision", "recall"))
            leaning = row["leaning"][name] if isinstance(row["leaning"], dict) else row["leaning"]
            title = f"{row['source']} {row['speed']} {leaning:g} {name}"
            lines.append(f"{title:48}{one['n']:>7}{numbers}  {one['leak'] or 0:.2%} [{low:.2%}, {high:.2%}]")
    return "\n".join(lines)
