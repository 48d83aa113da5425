"""The telling words of a name: those that tell it from other names, each in one form for all its spellings.

"University", "Universität" and "univ." are one word here, as are "St" and "Saint", "XII" and "12", "Wien" and
"Vienna"; Cyrillic words are one with their Latin spellings. Little words ("the", "of", "und") are none at all.
Initials are one word whatever stands between them (A&M, A and M), and so are a word and its stray "s" (King s).
Names and queries go through the same functions, so a form need not be beautiful, only the same on both sides.
"""

import re
from functools import lru_cache

from campaign.institutions.folding import is_unspaced, terms

# Words that do not distinguish institutions, as ``fold`` returns them.
FILLERS = frozenset(
    """
    a an and at by for in of on the au aux de des du en et la le les l d pour sur y el las los del para por
    da das do dos e em na no der die fur im und van von di della delle dei degli il i og och av ve het
    и в на по при им имени та у в და و في का की के और
    """.split()  # noqa: SIM905
)

# One word a line and those indented below it, the form that stands for all of them first.
_SAME = """
university univ uni universities universitat universitaet universite universites universidad universidade
  universita universiteit universitet universitetet universiteti universitas universitatea universitate
  univerzita univerzitet univerza uniwersytet uniwersytetu universitesi universitetas ulikool yliopisto egyetem
  universitario universitaria universitaire universitatsklinik sveuciliste universitati universiti universitatis
  университет университета университету університет універсітэт университеті универзитет πανεπιστημιο جامعه
  دانشگاه يونيورسٹي विश्वविद्यालय युनिवर्सिटी यूनिवर्सिटी বিশ্ববিদ্যালয אוניברסיטת אוניברסיטה האוניברסיטה
  համալսարան
institute inst institut instituto istituto instytut institutet institutt instituut institutul institucion
  institution institutes институт института інститут معهد מכון संस्थान
hospital hosp hospitals hopital hopitaux hospitalier hospitalar ospedale ospedaliera ziekenhuis szpital sykehus
  sjukhus больница مستشفي बहस्पताल hastanesi krankenhaus klinikum
college coll colleges
school sch schools ecole escuela escola scuola schule skola школа
academy acad academia academie akademie akademia akademiya akademija accademia академия академії академія
center centre centers centres centro centrum zentrum cntr ctr centar centru центр مركز
technology tech technical technological technologies technische technischen technischer techniques technique
  tecnica tecnico tecnologia tecnologica tecnologico technologie techniczny technicka technicke tekniska teknik
  teknisk teknologi tekhnologii технический техническии технологическии технічний
polytechnic polytechnique politecnico politecnica politechnika polytechnicum politeknik politehnica
  политехническии
national natl nacional nationale nazionale nationaal nasional narodni narodowy
science sciences sci scientific ciencia ciencias scienze nauk nauki наук
medical med medicine medica medicale medicina medico medizin medizinische medizinischen medyczny medycyny
  медицинскии
research recherche recherches investigacion investigaciones forschung ricerca ricerche pesquisa pesquisas
laboratory lab labs laboratories laboratoire laboratorio laboratoires laboratorium лаборатория
department dept dep depts departement departamento dipartimento departments abteilung afdeling institutionen
  katedra bolumu lehrstuhl fachbereich departemen jurusan кафедра отдел τμημα החוג قسم گروه বিভাগ विभाग
faculty fac faculte facultad faculdade fakultat fakultaet facolta fakulta fakultas fakultesi wydzial faculteit
  fakulti fakulteten факультет كليه دانشكده संकाय σχολη הפקולטה অনুষদ
division div
international intl internacional internationale internazionale
engineering engg eng ingenieria ingegneria engenharia ingenierie
agriculture agricultural agric agricola agricole agrar аграрныи
education educational educacion educacao
saint st sankt sainte санкт
mount mt
fort ft
federal fed federale
state states
society soc
association assoc
foundation fundacion fundacao fondation fondazione stiftung
munich munchen muenchen
vienna wien
cologne koln
zurich zurigo
geneva geneve genf
rome roma
milan milano
naples napoli
florence firenze
turin torino
venice venezia
padua padova
genoa genova
prague praha praze prag
warsaw warszawa
cracow krakow
lisbon lisboa
seville sevilla
copenhagen kobenhavn
gothenburg goteborg
moscow moskva
bucharest bucuresti
brussels bruxelles brussel
antwerp antwerpen
ghent gent gand
bern berne
basel basle bale
nuremberg nurnberg
belgrade beograd
kiev kyiv
kharkiv kharkov
odessa odesa
lviv lvov
chennai madras
mumbai bombay
kolkata calcutta
bengaluru bangalore
varanasi banaras benares
beijing peking
tehran teheran
turkey turkiye
indonesia indonesian
"""
_FORM = {
    word: line.split()[0]
    for line in re.sub(r"\n  ", " ", _SAME).strip().splitlines()
    for word in line.split()
}

# Everyday short forms of several words; alone they are acronyms like others.
_SHORT = {
    "tu": ("technology", "university"),
    "iit": ("india", "institute", "technology"),
    "nit": ("national", "institute", "technology"),
    "iim": ("india", "institute", "management"),
    "iiser": ("india", "institute", "science", "education", "research"),
    "iiit": ("india", "institute", "information", "technology"),
    "suny": ("state", "university", "new", "york"),
    "cuny": ("city", "university", "new", "york"),
    "uc": ("university", "california"),
    "ut": ("university", "texas"),
    "fh": ("hochschule",),
    "th": ("technology", "hochschule"),
}
_FORM |= {"indian": "india"}

_ROMAN = "ii iii iv v vi vii viii ix x xi xii xiii xiv xv xvi xvii xviii xix xx"
_NUMERALS = {numeral: str(number) for number, numeral in enumerate(_ROMAN.split(), start=2)}
# Cyrillic words are one with what they are in Latin letters; ``fold`` has taken the marks off.
_LATIN = dict(zip("абвгґдезиіклмнопрстуфыэјљњ", "abvggdeziiklmnoprstufyejln", strict=True)) | {
    "ж": "zh", "х": "kh", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "shch", "ю": "yu", "я": "ya", "є": "ye",
    "ь": "", "ъ": "", "ђ": "dj", "ћ": "c", "џ": "dz",
}  # fmt: skip
_TO_LATIN = str.maketrans(_LATIN)
_DIGRAPHS = {"ae": "a", "oe": "o", "ue": "u", "aa": "a"}
_DIGRAPH = re.compile("|".join(_DIGRAPHS))
_LONG_ENOUGH = 5
_CUT = 8


def telling_words(text: str, *, go_on: bool = False) -> list[str]:
    """Return the telling words of the text in their order, each in its one form.

    Little words are left out unless there are no others, here or, if it may ``go_on``, behind.
    ``telling_words("The Univ. of Texas at St. Marys")`` is ``["university", "texas", "saint", "marys"]``.
    """
    words = _whole(_joined([min(spellings, key=len) for spellings in terms(text)]))
    if go_on or len(words) > 1:
        words = [form for word in words for form in _SHORT.get(word, (word,))]
    telling = [word for word in words if word not in FILLERS]
    if not (telling or go_on):
        telling = words
    if not go_on and len(words) == 1 and len(words[0]) < _LONG_ENOUGH:
        return [_in_latin(words[0])]  # "UNI", "III" or "MED" is an acronym
    return [_NUMERALS.get(form, form) for form in map(one_form, telling)]


def key_of(words: list[str]) -> str:
    """Return what names with the same telling words in any order have in common."""
    return " ".join(sorted(set(words)))


@lru_cache(20_000)
def one_form(word: str) -> str:
    """Return the form that stands for a folded word and its variants."""
    return _FORM.get(word) or plain_form(word)


def plain_form(word: str) -> str:
    """Return a folded word in Latin letters, if it is Cyrillic, and without digraphs for umlauts."""
    word = _in_latin(word)
    return _DIGRAPH.sub(lambda match: _DIGRAPHS[match[0]], word) if word.isascii() else word


def _in_latin(word: str) -> str:
    return word.translate(_TO_LATIN) or word


def begun_forms(word: str) -> dict[str, float]:
    """Return the forms of words that an unfinished one may begin, with the share of them that is there."""
    if len(word) < 2:
        return {}
    variants = sorted((variant for variant in _FORM if variant.startswith(word)), key=len)
    shares: dict[str, float] = {}
    for variant in variants:
        shares.setdefault(_FORM[variant], 0.5 + 0.5 * len(word) / len(variant))
    return shares


def begins_filler(word: str) -> bool:
    """Whether a little word may begin so; not "V", which is a numeral."""
    return word not in _NUMERALS and any(filler.startswith(word) for filler in FILLERS)


def _joined(words: list[str]) -> list[str]:
    """Return the words, initials as one (``t u`` or ``a and m``), a stray ``s`` with the word before."""
    joined: list[str] = []
    run: list[str] = []
    for word in [*words, ""]:
        if len(word) == 1 and not is_unspaced(word):
            run.append(word)
        elif not (run and word in {"and", "&"}):
            joined += _initials(run, joined)
            run = []
            joined += [word] if word else []
    return joined


def _whole(words: list[str]) -> list[str]:
    """Return the words, a long common one that a blank has cut in two as one: ``विश् वविद्यालय``."""
    whole: list[str] = []
    for word in words:
        if whole and len(joined := whole[-1] + word) >= _CUT and joined in _FORM:
            whole[-1] = joined
        else:
            whole.append(word)
    return whole


def _initials(run: list[str], before: list[str]) -> list[str]:
    if run == ["s"] and before and len(before[-1]) > 1:
        return [f"{before.pop()}s"]
    if run == ["u"]:
        return ["university"]
    return ["".join(run)] if len(run) > 1 and not FILLERS.issuperset(run) else run
