"""A model is found, checked and converted once, or refused with the next step."""

from pathlib import Path

import pytest

from gnomon.engine.models import convert as converting
from gnomon.engine.models import gemma
from gnomon.engine.models.errors import DiskTooSmall, ModelCorrupt, ModelNotFound
from gnomon.engine.models.files import inventory, sha256_of, write_json
from gnomon.engine.models.gemma import Source, find


def gguf(folder: Path, body: bytes = b"weights") -> Path:
    path = folder / "small.gguf"
    path.write_bytes(b"GGUF" + body)
    return path


def save_nothing_heavy(work: Path, out: Path, progress: converting.Progress) -> None:
    """Stands where transformers would write the folder."""
    (out / "model.safetensors").write_bytes((work / "model.gguf").read_bytes() * 2)


@pytest.fixture
def light(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(converting, "_save", save_nothing_heavy)
    monkeypatch.setattr(converting, "_LIBRARIES", ("pytest",))
    monkeypatch.setattr(converting, "_SPACE_NEEDED", 1)


def test_a_local_gguf_file_is_taken_with_its_own_checksum(tmp_path: Path) -> None:
    path = gguf(tmp_path)
    assert find(path) == Source("gguf", (path,), sha256_of(path))


def test_a_local_folder_is_taken_as_it_is(tmp_path: Path) -> None:
    for name in ("config.json", "tokenizer.json", "model.safetensors"):
        (tmp_path / name).write_text("{}")
    source = find(tmp_path)
    assert converting.convert(tmp_path / "cache", source=source) == tmp_path


@pytest.mark.parametrize("name", ["nothing", "text.gguf", "folder"])
def test_what_is_no_model_is_refused_with_the_next_step(tmp_path: Path, name: str) -> None:
    (tmp_path / "text.gguf").write_text("hello")
    (tmp_path / "folder").mkdir()
    with pytest.raises((ModelNotFound, ModelCorrupt)) as caught:
        find(tmp_path / name)
    assert caught.value.next_step


def test_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gemma, "find_spec", lambda name: None)
    with pytest.raises(ModelNotFound, match=r"part1, .*part4") as caught:
        find()
    assert gemma.PACKAGE in caught.value.next_step
    assert gemma.TERMS_URL in caught.value.next_step


def test_terms_are_shown_in_both_languages_with_the_address() -> None:
    assert set(gemma.TERMS) == {"zh", "en"}
    assert all(gemma.TERMS_URL in text for text in gemma.TERMS.values())


@pytest.mark.usefixtures("light")
def test_a_model_is_converted_once_and_damage_is_seen(tmp_path: Path) -> None:
    steps: list[str] = []
    source, cache = find(gguf(tmp_path)), tmp_path / "cache"
    folder = converting.convert(cache, lambda told: steps.append(told["step"]), source=source)
    assert steps == ["join", "done"]
    assert [path.name for path in cache.iterdir()] == [folder.name]
    assert converting.manifest(folder)["source_sha256"] == source.sha256
    assert converting.damage(folder) == []
    again: list[bool] = []
    converting.convert(cache, lambda told: again.append(told["cached"]), source=source)
    assert again == [True]
    (folder / "model.safetensors").write_bytes(b"x" * (folder / "model.safetensors").stat().st_size)
    assert converting.damage(folder) == ["model.safetensors"]


@pytest.mark.usefixtures("light")
def test_a_wrong_checksum_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    source = Source("package", (gguf(tmp_path),), "0" * 64)
    with pytest.raises(ModelCorrupt, match="expected 0000"):
        converting.convert(tmp_path / "cache", source=source)
    assert list((tmp_path / "cache").iterdir()) == []


@pytest.mark.usefixtures("light")
def test_an_interrupted_conversion_is_not_taken_for_a_model(tmp_path: Path) -> None:
    source, cache = find(gguf(tmp_path)), tmp_path / "cache"
    folder = converting.convert(cache, source=source)
    (folder / "model.safetensors").write_bytes(b"half")
    dead = cache / ".partial-999999999-x"
    dead.mkdir()
    assert not converting.is_whole(folder)
    assert converting.is_whole(converting.convert(cache, source=source))
    assert not dead.exists()


@pytest.mark.usefixtures("light")
def test_a_small_disk_is_told_before_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(converting, "_SPACE_NEEDED", 1 << 60)
    with pytest.raises(DiskTooSmall, match="MB free"):
        converting.convert(tmp_path / "cache", source=find(gguf(tmp_path)))


def test_json_is_written_all_or_nothing(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"好": 1})
    with pytest.raises(TypeError):
        write_json(tmp_path / "a.json", {"bad": object()})
    assert inventory(tmp_path)["a.json"]["bytes"] == len('{\n  "好": 1\n}'.encode())


@pytest.mark.model
def test_the_packaged_model_has_the_known_checksum() -> None:
    try:
        source = find()
    except ModelNotFound as error:
        pytest.skip(str(error))
    with Path("/dev/null").open("wb") as nowhere:
        from gnomon.engine.models.files import copy_into

        assert copy_into(nowhere, source.paths) == gemma.SHA256
