"""styles.xml, numbering.xml and the font table, written whole: nothing is inherited that we did not choose."""

from collections.abc import Iterator
from typing import Any, Final
from xml.sax.saxutils import quoteattr

from docx.oxml import parse_xml
from docx.oxml.ns import qn

from gnomon.engine.documents.layout import FALLBACKS, Face, Layout

W: Final = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_SINGLE: Final = 'w:line="240" w:lineRule="auto"'
_MM: Final = 56.6929  # twentieths of a point in a millimetre


def dxa(mm: float) -> int:
    """Millimetres as twentieths of a point."""
    return round(mm * _MM)


def styles(layout: Layout) -> Any:
    """`w:styles` with every style that a paper uses, by the names that Word's own tools (navigation, contents) know."""
    made = parse_xml(
        f'<w:styles xmlns:w="{W}"><w:docDefaults><w:rPrDefault><w:rPr>{_fonts(layout.body)}{_size(layout.body.size)}'
        f'<w:lang w:val="en-US" w:eastAsia="zh-CN" w:bidi="ar-SA"/></w:rPr></w:rPrDefault>'
        f"<w:pPrDefault/></w:docDefaults>{''.join(_styles(layout))}</w:styles>"
    )
    for properties in made.iter(qn("w:pPr")):
        _put_in_order(properties)
    return made


def _styles(layout: Layout) -> Iterator[str]:
    body, small = layout.body, layout.small
    line = f'w:line="{round(layout.line * 20)}" w:lineRule="exact"' if layout.line else 'w:line="276" w:lineRule="auto"'
    after = 0 if layout.line else 120
    indent = _first_line(layout.indent, body)
    both = '<w:jc w:val="both"/>' if layout.indent else ""
    yield (
        '<w:style w:type="character" w:default="1" w:styleId="DefaultParagraphFont">'
        '<w:name w:val="Default Paragraph Font"/><w:uiPriority w:val="1"/><w:semiHidden/></w:style>'
    )
    yield _table_styles()
    yield _style("Normal", "Normal", body, f'<w:spacing w:after="0" {line}/>', default=True)
    yield _style("BodyText", "Body Text", body, f'<w:spacing w:after="{after}" {line}/>{indent}{both}')
    jc = "center" if layout.centred_title else "left"
    yield _style(
        "Title",
        "Title",
        layout.title,
        f'<w:keepNext/><w:spacing w:before="240" w:after="240" {_SINGLE}/><w:jc w:val="{jc}"/>',
        colour=layout.accent,
    )
    for level, face in enumerate(layout.headings):
        before = (200, 120, 60)[level] if layout.line else (360, 240, 160)[level]
        chars = _first_line(layout.indent, face)
        yield _style(
            f"Heading{level + 1}",
            f"heading {level + 1}",
            face,
            f'<w:keepNext/><w:keepLines/><w:spacing w:before="{before}" w:after="{after or 60}" {line}/>'
            f'{chars}<w:outlineLvl w:val="{level}"/>',
            colour=layout.accent,
            follows="BodyText",
        )
    yield _style("Quiet", "Quiet", small, f'<w:spacing w:before="40" w:after="80" {_SINGLE}/>')
    yield _style(
        "ListBullet",
        "List Bullet",
        body,
        f'<w:numPr><w:ilvl w:val="0"/><w:numId w:val="1"/></w:numPr><w:spacing w:after="{after // 2}" {line}/>',
    )
    cell = f'<w:spacing w:before="30" w:after="30" {_SINGLE}/>'
    yield _style("TableText", "Table Text", layout.table, cell)
    yield _style("TableFigure", "Table Figure", layout.table, f'{cell}<w:jc w:val="right"/>')
    yield _style("TableHead", "Table Head", layout.head, cell)
    yield _style("Caption", "caption", layout.head, f'<w:keepNext/><w:spacing w:before="160" w:after="80" {_SINGLE}/>')
    # Exact line heights cut pictures to one line: a figure's paragraph is set proportionally.
    yield _style("Figure", "Figure", body, f'<w:keepNext/><w:spacing w:before="160" {_SINGLE}/>')
    under = f'<w:spacing w:before="40" w:after="160" {_SINGLE}/><w:jc w:val="{jc}"/>'
    yield _style("FigureCaption", "Figure Caption", layout.head, under)
    over = f'<w:keepNext/><w:spacing w:before="320" w:after="120" {_SINGLE}/><w:jc w:val="{jc}"/>'
    yield _style("TOCHeading", "TOC Heading", layout.headings[0], over)
    face = Face(body.latin, body.cjk, min(body.size, 12))
    for level in (1, 2):
        inset = f'<w:spacing w:after="60" {_SINGLE}/><w:ind w:left="{(level - 1) * 420}"/>'
        yield _style(f"TOC{level}", f"toc {level}", face, inset)
    single = f"<w:spacing {_SINGLE}/>"
    yield _style("Header", "header", small, _rule("bottom") + _tabs(layout) + single)
    yield _style("Footer", "footer", small, _tabs(layout) + single)
    yield _style("Closing", "Closing", body, f'<w:keepNext/><w:spacing w:before="120" {line}/><w:jc w:val="right"/>')


def _table_styles() -> str:
    edges = "".join(
        f'<w:{edge} w:val="single" w:sz="4" w:space="0" w:color="8A979F"/>'
        for edge in ("top", "left", "bottom", "right", "insideH", "insideV")
    )
    margins = (
        '<w:tblCellMar><w:top w:w="0" w:type="dxa"/><w:left w:w="85" w:type="dxa"/>'
        '<w:bottom w:w="0" w:type="dxa"/><w:right w:w="85" w:type="dxa"/></w:tblCellMar>'
    )
    return (
        '<w:style w:type="table" w:default="1" w:styleId="TableNormal"><w:name w:val="Normal Table"/>'
        '<w:uiPriority w:val="99"/><w:semiHidden/>'
        f'<w:tblPr><w:tblInd w:w="0" w:type="dxa"/>{margins}</w:tblPr></w:style>'
        '<w:style w:type="table" w:styleId="TableGrid"><w:name w:val="Table Grid"/><w:basedOn w:val="TableNormal"/>'
        f'<w:uiPriority w:val="59"/><w:tblPr><w:tblBorders>{edges}</w:tblBorders></w:tblPr></w:style>'
    )


def _style(
    id: str, name: str, face: Face, paragraph: str, *, colour: str = "", default: bool = False, follows: str = ""
) -> str:
    based = "" if default else '<w:basedOn w:val="Normal"/>'
    after = f'<w:next w:val="{follows}"/>' if follows else ""
    tint = f'<w:color w:val="{colour}"/>' if colour else ""
    bold = "<w:b/><w:bCs/>" if face.bold else ""
    flag = ' w:default="1"' if default else ""
    return (
        f'<w:style w:type="paragraph"{flag} w:styleId="{id}"><w:name w:val="{name}"/>{based}{after}<w:qFormat/>'
        f"<w:pPr>{paragraph}</w:pPr><w:rPr>{_fonts(face)}{bold}{tint}{_size(face.size)}</w:rPr></w:style>"
    )


_ORDER: Final = ("keepNext", "keepLines", "numPr", "pBdr", "tabs", "spacing", "ind", "jc", "outlineLvl")


def _put_in_order(properties: Any) -> None:
    """Paragraph properties in the order of the schema (ECMA-376, CT_PPrBase): Word refuses others."""
    for one in sorted(properties, key=lambda one: _ORDER.index(one.tag.partition("}")[2])):
        properties.append(one)  # moves it to the end


def _first_line(characters: int, face: Face) -> str:
    """The indent of a first line, in characters of `face` and, for readers that do not know those, as a length."""
    if not characters:
        return ""
    return f'<w:ind w:firstLineChars="{characters * 100}" w:firstLine="{round(characters * face.size * 20)}"/>'


def _fonts(face: Face) -> str:
    latin, cjk = quoteattr(face.latin), quoteattr(face.cjk)
    return f"<w:rFonts w:ascii={latin} w:eastAsia={cjk} w:hAnsi={latin} w:cs={latin}/>"


def _size(points: float) -> str:
    return f'<w:sz w:val="{round(points * 2)}"/><w:szCs w:val="{round(points * 2)}"/>'


def _rule(side: str) -> str:
    return f'<w:pBdr><w:{side} w:val="single" w:sz="4" w:space="4" w:color="8A979F"/></w:pBdr>'


def _tabs(layout: Layout) -> str:
    return f'<w:tabs><w:tab w:val="right" w:pos="{dxa(layout.width_mm)}"/></w:tabs>'


def numbering() -> Any:
    """One list: bullets."""
    return parse_xml(
        f'<w:numbering xmlns:w="{W}"><w:abstractNum w:abstractNumId="0"><w:multiLevelType w:val="singleLevel"/>'
        '<w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="bullet"/><w:lvlText w:val="•"/><w:lvlJc w:val="left"/>'
        '<w:pPr><w:ind w:left="640" w:hanging="320"/></w:pPr></w:lvl></w:abstractNum>'
        '<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num></w:numbering>'
    )


def fonts_xml(layout: Layout) -> str:
    """The fonts of the layout, each with the open one that stands in for it."""
    faces = (layout.title, *layout.headings, layout.body, layout.table, layout.head, layout.small)
    names = sorted({name for face in faces for name in (face.latin, face.cjk)})
    entries = "".join(
        f"<w:font w:name={quoteattr(name)}><w:altName w:val={quoteattr(FALLBACKS[name])}/>"
        f'<w:charset w:val="{"86" if _is_chinese(name) else "00"}"/></w:font>'
        for name in names
    )
    return f'<w:fonts xmlns:w="{W}">{entries}</w:fonts>'


def _is_chinese(name: str) -> bool:
    return not name.isascii()
