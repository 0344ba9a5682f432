"""Numbers sealed to numbers: the published samples of NIST, and a permutation for any radix, length and tweak."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gnomon.guard.ff1 import BadNumerals, Ff1, least

KEY = "2B7E151628AED2A6ABF7158809CF4F3CEF4359D8D580AA4F7F036D6F04FC6A94"
LETTERS = "0123456789abcdefghijklmnopqrstuvwxyz"
DIGITS_TWEAK, LETTERS_TWEAK = "39383736353433323130", "3737373770717273373737"
SAMPLES = [  # NIST, "Example Values: FF1", samples 1 to 9: key bytes, radix, tweak, plaintext, ciphertext
    (16, 10, "", "0123456789", "2433477484"),
    (16, 10, DIGITS_TWEAK, "0123456789", "6124200773"),
    (16, 36, LETTERS_TWEAK, "0123456789abcdefghi", "a9tv40mll9kdu509eum"),
    (24, 10, "", "0123456789", "2830668132"),
    (24, 10, DIGITS_TWEAK, "0123456789", "2496655549"),
    (24, 36, LETTERS_TWEAK, "0123456789abcdefghi", "xbj3kv35jrawxv32ysr"),
    (32, 10, "", "0123456789", "6657667009"),
    (32, 10, DIGITS_TWEAK, "0123456789", "1001623463"),
    (32, 36, LETTERS_TWEAK, "0123456789abcdefghi", "xs8a0azh2avyalyzuwd"),
]


@pytest.mark.parametrize(("length", "radix", "tweak", "plain", "sealed"), SAMPLES)
def test_the_published_samples_come_out(length: int, radix: int, tweak: str, plain: str, sealed: str) -> None:
    cipher = Ff1(bytes.fromhex(KEY)[:length], radix=radix)
    numerals = [LETTERS.index(one) for one in plain]
    made = cipher.encrypt(numerals, tweak=bytes.fromhex(tweak))
    assert "".join(LETTERS[one] for one in made) == sealed
    assert cipher.decrypt(made, tweak=bytes.fromhex(tweak)) == numerals


@given(st.data(), st.sampled_from([2, 10, 26, 36, 256]), st.binary(max_size=40))
def test_what_was_sealed_opens_to_itself_and_keeps_length_and_alphabet(
    data: st.DataObject, radix: int, tweak: bytes
) -> None:
    numerals = data.draw(st.lists(st.integers(0, radix - 1), min_size=least(radix), max_size=60))
    cipher = Ff1(bytes(range(32)), radix=radix)
    sealed = cipher.encrypt(numerals, tweak=tweak)
    assert len(sealed) == len(numerals)
    assert all(0 <= one < radix for one in sealed)
    assert cipher.decrypt(sealed, tweak=tweak) == numerals


@given(st.data(), st.sampled_from([2, 10, 26, 36]), st.sampled_from([16, 24, 32]), st.binary(max_size=40))
def test_another_implementation_seals_to_the_same(data: st.DataObject, radix: int, length: int, tweak: bytes) -> None:
    theirs = pytest.importorskip("fastfpe").ff1  # Rust, by people who never saw ours; of the extra `dev`
    numerals = data.draw(st.lists(st.integers(0, radix - 1), min_size=least(radix), max_size=60))
    key, alphabet = data.draw(st.binary(min_size=length, max_size=length)), LETTERS[:radix]
    ours = Ff1(key, radix=radix).encrypt(numerals, tweak=tweak)
    plain = "".join(alphabet[one] for one in numerals)
    assert theirs.encrypt(key.hex(), tweak.hex(), alphabet, plain) == "".join(alphabet[one] for one in ours)


def test_two_numbers_never_seal_to_one() -> None:
    cipher = Ff1(bytes(32), radix=10)
    numbers = [[*map(int, f"{number:06}")] for number in range(0, 1_000_000, 1_999)]
    assert len({tuple(cipher.encrypt(one)) for one in numbers}) == len(numbers)


def test_a_domain_of_less_than_a_million_and_a_foreign_numeral_are_refused() -> None:
    assert (least(10), least(36), least(2)) == (6, 4, 20)
    for numerals in ([1, 2, 3, 4, 5], [1, 2, 3, 4, 5, 10]):
        with pytest.raises(BadNumerals):
            Ff1(bytes(16), radix=10).encrypt(numerals)
