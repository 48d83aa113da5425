"""Documents in ten languages: the right font for every glyph, the right order of letters, a tagged PDF."""

import hashlib
import json
import re
import zlib
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import typst

from campaign import typesetting
from campaign.paths import TEMPLATES
from campaign.qr import qr_svg

LATIN, ARABIC, DEVANAGARI, HAN = (
    "NotoSans",
    "NotoSansArabic",
    "NotoSansDevanagari",
    "NotoSansCJKsc",
)
# Words with what is rare in a language, and the only font that may draw them.
SAMPLES = {
    "en": ("Prof. Wanjirũ’s certificate, 2026: “light”", LATIN),
    "fr": ("Œuvre, cœur, naïveté, à l’Université, où ÿ", LATIN),
    "es": ("¿Añoranza? ¡Corazón, pingüino, Núñez!", LATIN),
    "pt": ("Coração, não, às, ciência, São Tomé", LATIN),
    "sw": ("Ng’ombe, Wanjirũ wa Mũthoni, Gĩthaiga", LATIN),
    "ru": ("Съёмщик объявил: № 7, Щукин, Эйхё", LATIN),
    "ar": ("أضئ قلب العلم، شهادة ٢٠٢٦؛ لآلئ ؟", ARABIC),
    "ur": ("ڈاکٹر ٹیپو، لڑکے ۲۰۲۶ پڑھے ہوئے گھر ۔", ARABIC),
    "hi": ("क्षितिज ज्ञानेश्वर श्रीवास्तव र्‍या द्ध ड़ ढ़ ।", DEVANAGARI),
    "zh-Hans": ("公开“承诺”证书，𠮷䶮㐂骁喆。", HAN),
}

# SHA-256 of every font file that a document can be drawn with (manimgx-fonts 2026.9.26, Noto as published).
FONT_DIGESTS = {
    "NotoEmoji[wght].ttf": "de6c18832938afc99caf132b39d6a30a19bac7f2e812e28db2535b4608d27551",
    "NotoSans-Italic[wght].ttf": "28602f4b032ed8f5d91445e830585f34aba54ff9d3ac3e58c0b8834f3d6ae684",
    "NotoSansArabic[wght].ttf": "3fae4d7239d1faa55b234bda8091019a5251ff79df40d5e29367d84bed2a8138",
    "NotoSansArmenian[wght].ttf": "e979dfaed56ddb4bfd05121958b25425eb7593253d64b6b3654c77c11c5cda94",
    "NotoSansBengali[wght].ttf": "dc9defe97bb041876b6609e9029d9e1e228a686259acde2fe2a9f99d793ee17d",
    "NotoSansCJK-VF.otf.ttc": "d3d8256cdec8dbcb3552284bc6b20c734dd60c2ee9df83b5758e34807c4bac32",
    "NotoSansDevanagari[wght].ttf": "bf99bf762743ff3259e73196852520ab0ffe8d384238bff3e4806a84b981e972",
    "NotoSansEthiopic[wght].ttf": "93f223089e300b983dbfd693c7be619e0e76565a70d639e71a4fe0bfd72cf66f",
    "NotoSansGeorgian[wght].ttf": "42f4a8bf4fe0af8afd91ee3c19e81e14f1bc74ddbd9b6a59a4182f67a596adb4",
    "NotoSansGujarati[wght].ttf": "83d1bde74d64fb389f97a5e27b2699d8ee8bad4c15a02be347228e6c10011248",
    "NotoSansGurmukhi[wght].ttf": "8a3096ee2166f6383501e2df7b368fce88cfa4068c8d75bcb6af07da353a00ea",
    "NotoSansHebrew[wght].ttf": "9d81d81ad592644487b03843da73a87b99cd28a2c4da4a096e1db8fbd14fda61",
    "NotoSansKannada[wght].ttf": "b6b11505d76eddf916667d73adfec19095ec777742444dc662dae81471461f4e",
    "NotoSansKhmer[wght].ttf": "56f89948a84cc0b01962ed6af573ac4ac885bd7bb6e7e40f9afc72a435728b70",
    "NotoSansLao[wght].ttf": "fc138d605aa998d8407789ee6a7f5554aae8b54f5cd98d66dd2c33e79d15b67e",
    "NotoSansMalayalam[wght].ttf": "94cddc94a03fa9a5e8d1784090ba97b267def6933d60762081eaa003751142c5",
    "NotoSansMyanmar[wght].ttf": "e0b280aa3080aab922800c88fa9a2015a4bec3103bb8b70491a92e4a04f3a3a3",
    "NotoSansOriya[wght].ttf": "37f482d0179d0a50e3128d004f007ff1c1741ad5f6b0b2bcc7238b257ef1caa0",
    "NotoSansSinhala[wght].ttf": "3fd7c6a61cb6dfb8a2ca7af5b4078bd24e9c8ad9b55839a0177277db6e4d1326",
    "NotoSansSymbols[wght].ttf": "63724daeff6755a45933b9a5e3a3b41df5df8fe925c0f4c991f2f68c08a4182d",
    "NotoSansTamil[wght].ttf": "37e151cdec4a8cfb15c432f7bb164a83b98df69419d47e50b35aa7073963716b",
    "NotoSansTelugu[wght].ttf": "6c06de88b2d420d899543724a13765994191cd29860c6226efca098b51fec64b",
    "NotoSansThai[wght].ttf": "13f52f79b04f01f2751a81052a5dee2df639fd4e13f4ac30821ab45c8dd5f7e7",
    "NotoSans[wght].ttf": "fb53504de62e767a54695416123d68d67f71c9b69722175184ad56e7dd13547b",
}


def from_pdf(pdf: bytes) -> bytes:
    """All that a PDF says, with what is packed unpacked."""
    return pdf + b"".join(_unpacked(pdf))


def _unpacked(pdf: bytes) -> Iterator[bytes]:
    for stream in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL):
        try:
            yield zlib.decompress(stream)
        except zlib.error:
            continue  # a picture or a font in another packing


def fonts_in(pdf: bytes) -> set[str]:
    """Families of the fonts that drew something: a subset of a font is in the file only if it did."""
    names = re.findall(rb"/BaseFont\s*/[A-Z]{6}\+([A-Za-z]+)", from_pdf(pdf))
    return {name.decode() for name in names}


def pages_in(pdf: bytes) -> int:
    (count,) = re.findall(rb"/Type\s*/Pages.*?/Count\s+(\d+)", from_pdf(pdf), re.DOTALL)[:1]
    return int(count)


@pytest.fixture
def typeset(tmp_path: Path) -> Any:
    """Typeset one line, with the fonts of the house style but without any way out to another font."""
    common = (TEMPLATES / "print/common.typ").read_text("utf-8")
    (tmp_path / "common.typ").write_text(common, "utf-8")
    (tmp_path / "line.typ").write_text(
        '#import "common.typ": *\n#show: document-of.with(data)\n#set page(height: auto)\n'
        "#set text(fallback: false)\n#data.line",
        "utf-8",
    )
    compiler = typst.Compiler(tmp_path / "line.typ", font_paths=typesetting.fonts())

    def compile_line(lang: str, line: str, **options: Any) -> bytes:
        data = json.dumps({"lang": lang, "title": "A line", "line": line})
        made = compiler.compile(sys_inputs={"data": data}, **options)
        assert isinstance(made, bytes)
        return made

    return compile_line


@pytest.mark.parametrize("lang", SAMPLES)
def test_every_glyph_comes_from_the_font_of_its_script(typeset: Any, lang: str) -> None:
    line, font = SAMPLES[lang]
    # PDF/UA allows no glyph that is missing, so the file is there only if every character has one.
    assert fonts_in(typeset(lang, line, format="pdf", pdf_standards=["ua-1"])) == {font}


def test_a_name_of_another_script_gets_its_own_font(typeset: Any) -> None:
    for line, font in SAMPLES.values():
        drawn = fonts_in(typeset("en", line, format="pdf", pdf_standards=["ua-1"]))
        assert font in drawn
        assert drawn <= {font, LATIN}  # the spaces and signs of an English page


@pytest.mark.parametrize(
    "name", ["ደስታ", "דוד", "ნინო", "สมชาย", "தமிழ்", "ひかり 김민수", "Ğülşen Łódź"]
)
def test_scripts_of_no_offered_language_have_a_font_too(typeset: Any, name: str) -> None:
    assert fonts_in(typeset("en", name, format="pdf", pdf_standards=["ua-1"]))


def test_the_font_files_are_those_that_were_looked_at() -> None:
    files = [path for folder in typesetting.font_folders() for path in folder.glob("*.[ot]t[cf]")]
    digests = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    assert digests == FONT_DIGESTS


def test_every_font_that_the_templates_name_is_there() -> None:
    common = (TEMPLATES / "print/common.typ").read_text("utf-8")
    families = {font.family for font in typesetting.fonts().fonts()}
    assert set(re.findall(r'"(Noto [^"]+)"', common)) <= families


def test_only_our_own_fonts_are_known() -> None:
    families = {font.family for font in typesetting.fonts().fonts()}
    assert families
    assert all(family.startswith("Noto ") for family in families)


def glyphs(svg: bytes) -> dict[str, float]:
    """Where each glyph of a line stands, from the left of the page, by the name of its outline."""
    found = {}
    for group in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}g"):
        left = float(group.get("transform", "matrix(1 0 0 1 0 0)").split()[4])
        for use in group:
            found[use.get(XLINK, "")] = left + float(use.get("x", "0"))
    return found


XLINK = "{http://www.w3.org/1999/xlink}href"
# Letters that never join, so that each looks in a word as it does alone: dal, alef, reh.
DAL, ALEF, REH = "\u062f", "\u0627", "\u0631"


@pytest.mark.parametrize(
    ("lang", "line", "from_left"),
    [
        ("en", "abc", "abc"),
        ("ar", DAL + ALEF + REH, REH + ALEF + DAL),
        ("ur", DAL + ALEF + REH, REH + ALEF + DAL),
        # A name of another script keeps its own order and turns nothing around.
        ("ar", f"{DAL} abc {REH}", f"{REH}abc{DAL}"),
        ("en", f"a {DAL}{ALEF} b", f"a{ALEF}{DAL}b"),
    ],
)
def test_letters_stand_in_the_order_of_their_script(
    typeset: Any, lang: str, line: str, from_left: str
) -> None:
    places = glyphs(typeset(lang, line, format="svg"))
    alone = [next(iter(glyphs(typeset(lang, letter, format="svg")))) for letter in from_left]
    xs = [places[name] for name in alone]
    assert xs == sorted(xs)
    assert len(set(xs)) == len(xs)


def test_a_right_to_left_line_begins_at_the_right_edge(typeset: Any) -> None:
    middle = 595 / 2  # of an A4 page, in points
    for lang, line in (("ar", DAL), ("ur", DAL), ("en", "a")):
        (place,) = glyphs(typeset(lang, line, format="svg")).values()
        assert (place > middle) == (lang != "en")


DATA: Mapping[str, Any] = {
    "lang": "en",
    "title": "Certificate of a public pledge",
    "site": "Light Up the Heart of Science",
    "name": "Wanjirũ Kamau",
    "affiliation": ["University of Nairobi", "Kenya"],
    "represented": None,
    "campaign": {"lang": "en", "title": "Light Up", "theme": "Light Up the Future"},
    "commitments": ["Give lectures"],
    "commitments_label": "Commitments",
    "confirmed": "Confirmed on 22 November 2026",
    "check": "Anyone can check this certificate at:",
    "number": "7K3M-QX9T-2BVW-H0DP",
    "url": "https://example.org/en/verify/7K3M-QX9T-2BVW-H0DP/",
    "url_shown": "example.org/en/verify/",
    "qr": qr_svg("https://example.org/en/verify/7K3M-QX9T-2BVW-H0DP/"),
    "qr_alt": "QR code",
}


def test_a_pdf_declares_that_it_is_accessible() -> None:
    said = from_pdf(typesetting.pdf("certificate.typ", DATA))
    assert re.search(rb"pdfuaid:part>1<|pdfuaid:part=.1", said)
    assert b"/StructTreeRoot" in said
    assert re.search(rb"/Lang\s*\(en\)", said)
    assert re.search(rb"/MarkInfo\s*<<\s*/Marked true", said)


def test_a_character_without_glyph_costs_the_declaration_not_the_document() -> None:
    said = from_pdf(typesetting.pdf("certificate.typ", {**DATA, "name": "Enheduanna \U00012000"}))
    assert said.startswith(b"%PDF")
    assert b"pdfuaid:part" not in said


def test_the_longest_pledge_stays_on_one_page() -> None:
    longest = {
        **DATA,
        "name": "W" * 120,
        "affiliation": ["University " * 18, "Bosnia and Herzegovina"],
        "represented": "Represented by " + "Wanjiru " * 30,
        "commitments": ["Serve on the National Scientific Committee " * 3] * 8,
    }
    assert pages_in(typesetting.pdf("certificate.typ", longest)) == 1


def test_what_a_person_typed_is_never_markup() -> None:
    hostile = '#panic("x") *b* $x$ `raw` @ref <label> \\ "quoted" #import "/pyproject.toml"'
    assert typesetting.pdf("certificate.typ", {**DATA, "name": hostile}).startswith(b"%PDF")


def test_a_picture_is_as_wide_as_asked_for() -> None:
    card = {**DATA, "headline": "My light is on"}
    for width in (1200, 600):
        png = typesetting.png("card.typ", card, width)
        assert int.from_bytes(png[16:20]) == width  # PNG, 11.2.1
        assert int.from_bytes(png[20:24]) == width * 630 // 1200


def test_threads_share_a_compiler() -> None:
    names = [f"Person {number}" for number in range(12)]
    with ThreadPoolExecutor(4) as threads:
        made = threads.map(lambda n: typesetting.pdf("certificate.typ", {**DATA, "name": n}), names)
    assert all(pdf.startswith(b"%PDF") for pdf in made)


def test_a_qr_code_is_a_picture_with_its_quiet_zone() -> None:
    root = ElementTree.fromstring(qr_svg("https://example.org/"))
    assert root.get("viewBox") == "0 0 33 33"  # 25 modules and 4 on each side
