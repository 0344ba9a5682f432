"""Postal addresses in Latin letters: a street with its number, or a box, and what follows of flat, town and country.

A street takes what only streets have: a number beside a word for a kind of street, a flat behind it, or words that
announce an address. A town alone is a place, not an address; with its state and code it is one.
"""

import re
from collections.abc import Iterator
from typing import Final

from gnomon.guard.names.given import is_given, is_plain, no_names
from gnomon.guard.view import Found

ENTITY: Final = "ADDRESS"


def _any(words: str) -> str:
    """One of some words, in which an underscore is a space."""
    return "(?:" + "|".join(words.split()).replace("_", " ") + ")"


_UPPER = "A-ZÀ-ÖØ-ÞĀ-ŽΑ-Ω"
_NO_CAP = r"(?!(?:Apt|Apartment|Suite|Ste|Flat|Unit|Floor|Room)\b)"
_CAP = rf"(?:{_NO_CAP}[{_UPPER}][\w'’-]*\.?|[0-9]{{1,3}}(?:st|nd|rd|th))"
_NUM = r"(?!(?:19|20)[0-9]{2}(?:,|-(?:19|20)))[0-9]{1,6}(?:[-/][0-9]{1,5})?[A-Za-z]?"  # not the years of a copyright
_OF = r"(?:(?:de|du|des|la|las|los|le|do|da|dos|del|della|dell|e|der|den)[ ']|[dl]['’])*"

_KIND = _any(
    "[Ss]treets? STREET [Aa]venues? AVENUE [Rr]oads? ROAD [Bb]oulevard [Ll]ane [Dd]rive [Cc]ourt [Pp]lace "
    "[Ss]quares? "
    "[Tt]errace [Ww]ay [Cc]lose [Cc]rescent [Gg]ardens [Gg]rove [Mm]ews [Rr]ow [Hh]ighway [Pp]arkway [Cc]ircle "
    "[Tt]rail "
    r"[Tt]urnpike [Rr]oute [Aa]lley [Pp]laza [Qq]uay (?:St|Ave|Rd|Blvd|Ln|Dr|Ct|Pl|Sq|Ter|Hwy|Pkwy|Cir|Trl|Tpke|"
    r"Cres|Gdns|"
    r"ST|AVE|RD|BLVD|DR|LN)\b\.?"
)
_SIDE = r"(?:North|South|East|West|[NSEW]|N[EW]|S[EW])\b\.?"
_HOME = r"(?:Apartment|Apt\.?|Suite|Ste\.?|Flat) #?[0-9]{1,5}[A-Za-z]?\b"
_ENGLISH = (
    rf"(?:{_HOME},? )?(?:{_NUM},? ){{1,2}}(?:{_SIDE} )?(?:{_CAP} ){{1,4}}{_KIND}(?![\w'’-])(?: {_SIDE}(?![\w'’]))?"
)
_NO_STREET = _any(
    "the a an of on in at to by from and or per down up off miles? minutes? hours? days? years? km more other"
)
_LOWER = (  # as people type: 12 main street suite 4
    rf"(?:{_NUM} ){{1,2}}(?:(?!{_NO_STREET}\b)[a-z]{{2,14}} ){{1,2}}(?:street|avenue|boulevard|road)"
    r"(?= (?:suite|apt|unit|flat|#)|[ ,]+[a-z .]+,? [a-z]{2} [0-9]{5}\b|[.,?!]|\Z)"
)
_GLUED = (  # Hauptstraße 5, Storgatan 12
    rf"(?:{_CAP} ){{0,2}}(?=[{_UPPER}])[\w-]{{3,}}"
    + _any(
        r"[Ss]tra(?:ß|ss)e [Ss]tr\. gasse [Ww]eg [Aa]llee [Pp]latz ufer gatan v[äa]gen gränd torget gata "
        r"(?<!ri)gade stræde "
        "vej veien vegen katu straat laan plein gracht singel dreef götu vegur"
    )
    + rf",? [0-9]{{1,4}}(?:[-/][0-9]{{1,4}})? ?(?:[a-zA-Z]\b)?(?: (?:{_CAP} ){{1,2}}{_KIND}(?=\s|,|\Z))?"
)
_FRENCH = (
    rf"(?:{_NUM} )?{_NUM}(?: ?(?:bis|ter))?,? "
    + _any("[Rr]ue [Aa]venue [Bb]oulevard [Pp]lace [Cc]hemin [Aa]llée [Ii]mpasse [Qq]uai [Cc]ours")
    + rf" {_OF}{_CAP}(?: {_OF}{_CAP}){{0,3}}"
)
_SOUTHERN = (  # Romance and Polish: the kind first, the number last
    _any(
        r"Via Vía Viale Piazza Corso Largo Calle Camino Ronda Avenida Avda?\. Rua Paseo Praça Strada [Uu]lica "
        r"[Aa]leja [Pp]lac "
        r"ul\. al\. os\. C/"
    )
    + rf" ?{_OF}{_CAP}(?: {_OF}{_CAP}){{0,3}}(?:,| n[.º°]?)? ?[0-9]{{1,5}}\b"
)
_HUNGARIAN = rf"{_CAP}(?: {_CAP}){{0,2}} (?:u\.|utca|út) [0-9]{{1,4}}\b\.?"
_BOX = (
    rf"(?:{_NUM},? )?(?:P\.? ?O\.? ?Box|Post(?:al )?[Bb]ox|Postfach|Postboks|Apartado(?: de [Cc]orreos)?) "
    r"[0-9]{1,6}\b"
)
_SHIP = rf"US(?:S|NS|NV|CGC) {_CAP}(?=,? ?\n|,|\Z| [AF]PO )"
_FIELD = r"(?:PSC|Unit|CMR) [0-9]{3,5},? Box [0-9]{1,5}|(?:APO|FPO|DPO),? A[AEP] [0-9]{5}(?:-[0-9]{4})?"

_FLAT = (
    rf"(?:{_HOME}|(?:[A-Z][a-z]+|[0-9]+(?:st|nd|rd|th)) Floor|"
    r"(?:apt\.?|suite|Unit|flat|Floor|Fl\.|Room|Rm\.?|#) ?#?[0-9]{1,5}[A-Za-z]?\b)"
)
_FLATTED = rf"(?:(?:{_NUM} ){{1,2}}(?:{_CAP} ){{0,4}}(?:{_NUM} )?|(?:{_CAP} ){{1,4}}{_NUM},? ){_HOME}"
_DOUBLE = (
    rf"(?:{_NUM} )?(?:{_CAP} ){{1,4}}{_NUM},?(?=\s{{1,2}}{_FLAT})|{_NUM} (?:{_CAP} ){{1,4}}{_NUM}(?=, {_CAP}|,\s*\Z)"
)
_CROSSED = rf"(?:{_NUM} ){{0,2}}(?:{_CAP} ?){{1,4}}(?: ?{_NUM}\b\.?)?"
_CORNER = rf"(?:[Tt]he )?corner of {_CROSSED} ?and {_CROSSED}"
_AMERICAN = _any(  # states, provinces and the field post, before their code
    "A[LKZR] C[AOT] D[CE] FL GA HI I[ADLN] K[SY] LA M[ADEINOST] N[CDEHJMVY] O[HKR] P[AR] RI S[CD] T[NX] UT "
    "V[AT] W[AIVY] "
    "AB BC MB N[BLSTU] ON PE QC SK YT A[AEP]"
)
_AUSTRALIAN = r"(?:NSW|VIC|QLD|TAS|ACT|SA|WA|NT),? [0-9]{4}\b"
_LETTERED = (  # the codes of Britain, Canada and Ireland
    r"(?:[A-Z]{1,2}[0-9][A-Z0-9]? [0-9][ABD-HJLNP-UW-Z]{2}|[ABCEGHJ-NPRSTVXY][0-9][A-Z] ?[0-9][A-Z][0-9]|"
    r"[AC-FHKNPRTV-Y][0-9]{2} [0-9AC-FHKNPRTV-Y]{4})\b"
)
_CODE = (
    rf"(?:{_LETTERED}|[0-9]{{2}}-[0-9]{{3}}\b|[0-9]{{3}} [0-9]{{2}}\b|[0-9]{{4}} [A-Z]{{2}}\b|"
    r"(?!(?:19|20)[0-9]{2}\b)(?:[A-Z]{1,2}-)?[0-9]{4,6}(?:-[0-9]{3,4})?\b)"
)
_COUNTRY = _any(
    r"USA U\.S\.A\.? United_States(?:_of_America)? United_Kingdom UK England Scotland Wales Ireland Canada "
    r"Australia New_Zealand "
    "Germany Deutschland France Italy Italia Spain España Portugal Netherlands Belgium Luxembourg Switzerland "
    "Schweiz Austria "
    "Österreich Denmark Sweden Norway Finland Iceland Greenland(?:er)? Poland Czech(?:ia|_Republic) Slovakia "
    "Slovenia Croatia "
    r"Serbia Hungary Romania Bulgaria Greece Cyprus(?:_\(\w+\))? Malta Estonia Latvia Lithuania Ukraine Turkey "
    r"Israel Egypt "
    "Tunisia Morocco South_Africa Nigeria Kenya India Singapore Malaysia Japan South_Korea China Hong_Kong "
    "Taiwan Thailand "
    "Vietnam Philippines Indonesia Mexico Brazil Argentina Chile Uruguay Colombia Peru"
)
_COUNTRIES: Final = frozenset(re.findall(r"[A-Z]\w+", _COUNTRY)) | {"North", "South", "East", "West", "New"}
_TOWN = rf"{_CAP}(?: (?:(?:de|upon|on|am|an der|la|le|sur) )?{_CAP}){{0,3}}"
_STATED = rf"(?:{_TOWN} ?,? )?(?:{_AMERICAN},? (?:[0-9]{{5}}(?:-[0-9]{{4}})?\b|{_LETTERED})|{_AUSTRALIAN})"
_BRITISH = rf"(?:{_TOWN},? )?{_LETTERED}"
_ABROAD = rf"(?:{_TOWN},? )?{_COUNTRY},? {_CODE}"
_TAIL = (
    rf"{_FLAT}|{_STATED}|{_ABROAD}|{_BRITISH}|{_CODE},? {_TOWN}(?:,? {_COUNTRY})?(?: \([A-Z]{{2}}\))?|{_TOWN},? "
    rf"{_COUNTRY}\b|"
    rf"{_TOWN}(?:,? {_CODE})?(?=[.,;)?!\n]|\Z)|{_COUNTRY}\b"
)
_AFTER = rf"(?>[\s,.]{{1,3}}(?:{_TAIL})){{0,4}}+"
_STREET: Final = re.compile(
    rf"(?<![\w.@/:-])(?:{_BOX}|{_FIELD}|{_SHIP}|{_CORNER}|(?:{_NUM},? ){{0,2}}(?:{_GLUED}|{_SOUTHERN}|"
    rf"{_HUNGARIAN})|{_FRENCH}|"
    rf"{_ENGLISH}|"
    rf"{_FLATTED}|{_LOWER}|{_STATED}|{_ABROAD}(?=\W*\Z)|{_BRITISH}){_AFTER}"
)
_ALONE: Final = re.compile(rf"\s*(?:{_HOME}|{_COUNTRY} [0-9]{{5}})[.,]?\s*\Z")
"""A line that holds nothing else: of an address that takes several."""
_TWICE: Final = re.compile(rf"(?<![\w.@/:-])(?:{_DOUBLE}){_AFTER}")
"""Foreign streets between two numbers, told by the flat or the town behind them."""
_LINE: Final = re.compile(rf"\W*({_NUM} (?:{_CAP} ){{1,4}}{_NUM})\W*\Z")
"""A line of a number, a name and a number."""
_SMALL: Final = re.compile(
    rf"(?<![\w.@/:-])[0-9]{{1,6}} (?:[a-zß-ž'-]{{2,20}} ){{1,4}}[0-9]{{1,5}}(?:,? (?:apt|suite|"
    rf"unit)\.? [0-9]{{1,5}})?"
    rf",? (?:[a-zß-ž'-]{{2,20}},? ){{1,4}}?{_COUNTRY.lower()}\b"
)
_LEAD: Final = re.compile(
    r"\b(?:address(?:es)?(?: is|, here (?:it is|they are))?|adresse|liv(?:es?|ing) "
    r"(?:at|on|in)|resid(?:es?|ing) at|located at|"
    r"(?:ship|deliver|send|mail|return|forward)\w*(?: \w+){0,3} to|(?:office|restaurant|home|shop|house) is at|"
    r"(?:meet|see) (?:me|you|us) at|(?:drop|pick)\w* (?:me|you|us|him|her|them) (?:off|up) (?:at|from)|"
    r"(?:taxi|cab|ride|directions) to|enter (?:on|at|from)|new one to|\buser|\bit(?:['’]s| is) (?:in|at|on)|"
    r"billing address with)\s?:?\s{1,2}",
    re.IGNORECASE,
)
_LED: Final = re.compile(
    rf"(?:(?:{_NUM},? ){{1,2}}{_OF}{_CAP}(?: {_OF}{_CAP}){{0,4}}(?: {_NUM}\b)?|{_CAP}(?: {_OF}{_CAP}){{0,4}},? "
    rf"{_NUM}\b){_AFTER}"
)
_FURTHER: Final = re.compile(rf"[\s,]*(?:{_TAIL}|(?:[A-Z]{{1,3}}|nan)(?=\s*(?:\n|\Z))|{_CODE}){_AFTER}")
_FAR: Final = re.compile("[\u2e80-\uffff]")
_MAYBE: Final = re.compile(r"(?=.*(?:[0-9]|\bUS[NSC]|\bcorner of )).*[A-Za-z]{2}", re.DOTALL)
_MONTHS: Final = frozenset(("Jan", "Feb", "Mar", "Apr", "Jun", "Jul", "Aug", "Sep", "Sept", "Oct", "Nov", "Dec"))


def find(text: str) -> Iterator[Found]:
    """The Latin addresses of a sentence; that of several lines is one."""
    if not _MAYBE.match(text):
        return
    found = sorted(_streets(text))
    if "\n" in text.strip():
        found = _lines(text, found)
    yield from _together(text, found)


def _streets(text: str) -> Iterator[Found]:
    if alone := _ALONE.match(text):
        yield _found(text, alone, 0.6)
        return
    if (line := _LINE.match(text)) and _is_named(line[1]):
        yield Found(line.start(1), line.end(1), ENTITY, 0.6)
        return
    if text.islower():
        yield from (_found(text, street, 0.7) for street in _SMALL.finditer(text))
    yield from (_found(text, street, 0.7) for street in _TWICE.finditer(text) if _is_named(street.group()))
    yield from (_found(text, street, 0.8) for street in _STREET.finditer(text))
    for lead in _LEAD.finditer(text):
        if led := _LED.match(text, lead.end()):
            yield _found(text, led, 0.7)


def _lines(text: str, found: list[Found]) -> list[Found]:
    """`found`, and what the lines say of addresses in which nothing was found: alone, or behind another."""
    at, end = 0, -1  # where an address ends that the line before belongs to
    for line in text.splitlines(keepends=True):
        start, at = at, at + len(line)
        inside = [item for item in found if item.start < at and start < item.end]
        if not inside and line.strip():
            more = further(line) if end >= 0 and not text[end:start].strip(" \t\r\n,.") else None
            inside = [
                item._replace(start=item.start + start, end=item.end + start)
                for item in ([more] if more else _streets(line))
            ]
            found = sorted([*found, *inside])
        if inside:
            end = max(item.end for item in inside)
        elif line.strip():
            end = -1
    return found


def _together(text: str, found: list[Found]) -> Iterator[Found]:
    """Those that only blanks, commas and ends of lines part, as one."""
    last: Found | None = None
    for item in found:
        if last and (
            item.start < last.end
            or ("\n" in text[last.end : item.start] and not text[last.end : item.start].strip(" \t\r\n,."))
        ):
            last = last._replace(end=max(last.end, item.end), score=max(last.score, item.score))
            continue
        if last:
            yield last
        last = item
    if last:
        yield last


def goes_on(line: str) -> bool:
    """Whether the next line may say more of an address that this one ends in."""
    if not _MAYBE.match(line) or _FAR.search(line):
        return False
    return any(not line[item.end :].strip(" \t\r\n,.") for item in find(line))


def _is_named(street: str) -> bool:
    """Whether its words are a name: Allika, not Items, nor March."""
    words = [word for word in re.findall(rf"[{_UPPER}][\w'’-]*", street) if len(word) > 1]
    return not all(map(is_plain, words)) and (no_names() | _MONTHS).isdisjoint(words[:1])


def further(text: str) -> Found | None:
    """What a line that follows an address says more of it: the flat, the town, the code, the country."""
    more = _FURTHER.match(text)
    return _found(text, more, 0.7) if more and not _is_other(more.group().strip().partition("\n")[0]) else None


def _found(text: str, match: re.Match[str], score: float) -> Found:
    """The match without what only separates it from its surroundings; a full stop stays where it ends a short "
    "form."""
    said = match.group()
    while "\n" in said.rstrip() and _is_other(said.rstrip().rpartition("\n")[2]):
        said = said.rstrip().rpartition("\n")[0]
    start = match.start() + len(said) - len(said.lstrip(" \t\n,"))
    return Found(start, match.start() + len(said.rstrip(" \t\n,.")), ENTITY, score)


def _is_other(line: str) -> bool:
    """Whether a line behind an address is no more of it: a name, a greeting, a word that says something by itself."""
    words = [word.strip(".,'’") for word in line.split()]
    if any(char.isdigit() for char in line) or not words:
        return False
    return words[0] in no_names() - _COUNTRIES or all(map(is_plain, words)) or (len(words) > 1 and is_given(words[0]))
