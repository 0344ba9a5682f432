"""docx, xlsx, pptx: every text in them, in tables, headers, notes, comments, properties and links; their look stays.

The parts of the package are read as they are (ECMA-376), so that nothing that is not understood gets lost. What is no
XML (pictures, embedded objects) cannot be read, and refuses the document unless the caller lets it pass.
"""

import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

from gnomon.guard.carriers import Apply, UnreadableDocument
from gnomon.kit.archives import DAMAGED

MOST_BYTES = 512 << 20
"""Of all parts unpacked: a small file may claim to hold terabytes."""

_GROUPS = frozenset(("p", "si", "is", "text", "c"))  # a paragraph, a shared or inline string, a comment, a cell
_BREAKS = {"br": "\n", "cr": "\n", "tab": "\t"}
_ATTRIBUTES = frozenset(
    ("author", "initials", "descr", "title", "tooltip", "instr", "display", "Target", "alt", "string", "userId")
)
_XML = (".xml", ".rels", ".vml")
_SPACE = "{http://www.w3.org/XML/1998/namespace}space"
_THUMBNAIL = "docProps/thumbnail."


def kind(data: bytes) -> str:
    """docx, xlsx or pptx; empty for anything else."""
    if not data.startswith(b"PK\x03\x04"):
        return ""
    try:
        names = zipfile.ZipFile(io.BytesIO(data)).namelist()
    except DAMAGED:
        return ""
    return next((kind for kind, folder in _KINDS.items() if any(name.startswith(folder) for name in names)), "")


def without_columns(data: bytes) -> None:
    """Raises UnreadableDocument for a workbook: which column a text stands in is not read."""
    if kind(data) == "xlsx":
        raise UnreadableDocument(
            "The policy has rules for fields, and the columns of a workbook are not read.",
            next_step="Save its sheets as CSV, or let them pass by the policy's other rules with --pass-unread.",
        )


_KINDS = {"docx": "word/", "xlsx": "xl/", "pptx": "ppt/"}


def applied(data: bytes, apply: Apply, *, may_pass_unread: bool = False) -> bytes:
    """The document with every text replaced; a picture of its first page is dropped.

    Raises UnreadableDocument for what is no such document, and, unless it may pass, for one with parts that cannot be
    read; it names them.
    """
    package = _opened(data)
    unread = [part.filename for part in package.infolist() if _is_unread(part)]
    if unread and not may_pass_unread:
        raise UnreadableDocument(
            f"The document holds what cannot be read: {', '.join(unread[:5])}"
            + (f" and {len(unread) - 5} more." if len(unread) > 5 else "."),
            next_step="Remove it from the document, or let it pass with --pass-unread.",
        )
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as written:
        for part in package.infolist():
            if part.filename.startswith(_THUMBNAIL):
                continue
            content = _content(package, part)
            is_read = part.filename.endswith(_XML) and content
            written.writestr(part, _part(part.filename, content, apply) if is_read else content)
    return out.getvalue()


def _opened(data: bytes) -> zipfile.ZipFile:
    try:
        package = zipfile.ZipFile(io.BytesIO(data))
        size = sum(part.file_size for part in package.infolist())
        encrypted = any(part.flag_bits & 1 for part in package.infolist())
        if not all(package.namelist()):
            raise zipfile.BadZipFile("a part of it has no name")
    except DAMAGED as error:
        raise UnreadableDocument(f"This is no office document: {error}.", next_step="Give a docx or xlsx.") from error
    if size > MOST_BYTES or encrypted:
        why = "it is encrypted" if encrypted else f"unpacked it has {size >> 20} MB, more than {MOST_BYTES >> 20}"
        raise UnreadableDocument(f"The document cannot be read: {why}.", next_step="Save it anew, or split it.")
    return package


def _content(package: zipfile.ZipFile, part: zipfile.ZipInfo) -> bytes:
    try:
        return package.read(part)
    except DAMAGED as error:
        raise UnreadableDocument(
            f"The package of the document is damaged: {error}.", next_step="Save it anew."
        ) from error


def _is_unread(part: zipfile.ZipInfo) -> bool:
    return not (part.filename.endswith(_XML) or part.is_dir() or part.filename.startswith(_THUMBNAIL))


def _part(name: str, content: bytes, apply: Apply) -> bytes:
    try:
        root = etree.fromstring(content, etree.XMLParser(resolve_entities=False, no_network=True))
    except etree.XMLSyntaxError as error:
        raise UnreadableDocument(f"The part {name} is no XML: {error}.", next_step="Save the document anew.") from error
    if root.getroottree().docinfo.doctype:
        raise UnreadableDocument(f"The part {name} declares a document type.", next_step="Save the document anew.")
    changed = sum(_replace_texts(group, apply) for group in list(_groups(root)))
    changed += _replace_attributes(root, apply)
    if name == "_rels/.rels":
        changed += _without_thumbnail(root)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", standalone=True) if changed else content


@dataclass(slots=True)
class _Piece:
    """A stretch of a paragraph's text; `node` is None where it only stands for a break."""

    text: str
    node: etree._Element | None


def _groups(root: etree._Element) -> Iterator[list[_Piece]]:
    """The texts of the part, those together that a reader sees as one."""
    groups: dict[etree._Element | None, list[_Piece]] = {}
    owners: dict[etree._Element, etree._Element] = {}
    for node in root.iter(etree.Element):
        parent = node.getparent()
        local = etree.QName(node).localname
        owner = node if local in _GROUPS else owners.get(parent) if parent is not None else None
        if owner is not None:
            owners[node] = owner
        is_index = local == "v" and parent is not None and parent.get("t") == "s"
        if local in _BREAKS and owner is not None:
            groups.setdefault(owner, []).append(_Piece(_BREAKS[local], None))
        elif node.text and node.text.strip() and not is_index:
            if owner is None or local == "f":
                yield [_Piece(node.text, node)]
            else:
                groups.setdefault(owner, []).append(_Piece(node.text, node))
    yield from groups.values()


def _replace_texts(pieces: list[_Piece], apply: Apply) -> bool:
    text = "".join(piece.text for piece in pieces)
    masked = apply(text, "")
    if masked.text == text:
        return False
    starts = [0]
    for piece in pieces:
        starts.append(starts[-1] + len(piece.text))
    for span, replacement in reversed(list(zip(masked.spans, masked.replacements, strict=True))):
        left = replacement
        for at, piece in enumerate(pieces):
            low, high = max(span.start, starts[at]), min(span.end, starts[at + 1])
            if low < high and piece.node is not None:
                begin = low - starts[at]
                piece.text = piece.text[:begin] + left + piece.text[high - starts[at] :]
                left = ""  # all of it stands where the value began, in the look of its first letter
    for piece in pieces:
        if piece.node is not None and piece.node.text != piece.text:
            _set(piece.node, piece.text)
    return True


def _set(node: etree._Element, text: str) -> None:
    node.text = text
    local, parent = etree.QName(node).localname, node.getparent()
    if local == "t" and text != text.strip():
        node.set(_SPACE, "preserve")
    if local == "v" and parent is not None:
        parent.set("t", "str")  # what stood there may have been a number


def _replace_attributes(root: etree._Element, apply: Apply) -> int:
    changed = 0
    for node in root.iter(etree.Element):
        is_sheet = etree.QName(node).localname == "sheet"
        for name, value in node.attrib.items():
            local = etree.QName(name).localname
            if local not in _ATTRIBUTES and not (is_sheet and local == "name"):
                continue
            if local == "Target" and node.get("TargetMode") != "External":
                continue
            text = apply(str(value), "").text
            if text != value:
                node.set(name, text[:31] if is_sheet else text)
                changed += 1
    return changed


def _without_thumbnail(root: etree._Element) -> int:
    gone = [node for node in root if str(node.get("Type", "")).endswith("/thumbnail")]
    for node in gone:
        root.remove(node)
    return len(gone)
