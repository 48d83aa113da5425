"""The page where anyone composes a widget for an institution, sees it, and copies its code."""

from dataclasses import dataclass
from typing import Any

from flask import Response, make_response, render_template, request, url_for
from markupsafe import Markup

from campaign import i18n
from campaign.campaigns.models import CampaignText
from campaign.campaigns.queries import current_text
from campaign.embed.frames import THEMES
from campaign.http.access import anyone
from campaign.http.forms import Form
from campaign.http.headers import CONTENT_SECURITY_POLICY
from campaign.http.locales import localized
from campaign.http.lookup import current_texts
from campaign.http.rate_limits import SEARCH_LIMIT, rate_limited
from campaign.http.sources import WIDGETS
from campaign.i18n import gettext
from campaign.institutions import queries as institution_queries
from campaign.institutions.models import Institution
from campaign.links import absolute_url

blueprint = localized("composer", __name__)

# This page alone may frame: it shows the framed form as its readers will see it.
_POLICY = f"{CONTENT_SECURITY_POLICY}; frame-src 'self'"
PAPERS = ("a3", "a4")
# An example for the style sheet of a host page, with every property that reaches into the widgets.
LOOK = """heart-of-science {
  --heart-accent: #7a0019;
  --heart-on-accent: #ffffff;
  --heart-background: #ffffff;
  --heart-text: #222222;
  --heart-radius: 0;
  --heart-width: 30em;
}"""


@dataclass(frozen=True)
class Composition:
    """A widget as the page's form describes it, with the code for each way to use it."""

    institution: Institution
    text: CampaignText
    widget: str
    language: str
    theme: str

    @property
    def name(self) -> str:
        return institution_queries.name_in(self.institution, self.language)

    @property
    def element(self) -> Markup:
        """The custom element, with a link for readers without scripts."""
        with i18n.in_language(self.language):
            words = gettext("%(name)s: %(words)s", name=gettext("Make the pledge"), words=self.name)
        theme = Markup(' theme="{}"').format(self.theme) if self.theme != THEMES[0] else ""
        return Markup(
            '<heart-of-science institution="{}" campaign="{}" widget="{}" lang="{}"{}>'
            '<a href="{}">{}</a></heart-of-science>'
        ).format(
            self.institution.id,
            self.text.campaign.slug,
            self.widget,
            self.language,
            theme,
            self.link,
            words,
        )

    @property
    def link(self) -> str:
        """The address of the form for people of this institution."""
        return self._address(
            "pledging.form",
            slug=self.text.campaign.slug,
            institution=self.institution.id,
            via=self.widget,
        )

    @property
    def snippet(self) -> str:
        """The custom element with the script that brings it to life."""
        loader = Markup('<script async src="{}"></script>').format(absolute_url("embed.loader"))
        return f"{loader}\n{self.element}"

    @property
    def frame(self) -> str:
        """The form without our script; ``referrerpolicy`` lets the frame know whose page it is on."""
        address = self._address(
            "frames.form",
            institution=self.institution.id,
            campaign=self.text.campaign.slug,
            theme=self.theme if self.theme != THEMES[0] else None,
        )
        return Markup(
            '<iframe src="{}" title="{}" width="100%" height="1200" loading="lazy"'
            ' referrerpolicy="origin"></iframe>'
        ).format(address, self.text.title)

    @property
    def badge(self) -> str:
        """A picture with the number of people, linked to the form."""
        values = {
            "ror_id": self.institution.id,
            "lang": self.language,
            "campaign": self.text.campaign.slug,
        }
        picture = Markup('<img src="{}" alt="{}">').format(
            absolute_url("embed.badge", **values), self.text.title
        )
        link = self._address(
            "pledging.form",
            slug=self.text.campaign.slug,
            institution=self.institution.id,
            via="badge",
        )
        return Markup('<a href="{}">{}</a>').format(link, picture)

    @property
    def posters(self) -> list[tuple[str, str]]:
        """Posters in the language of the widget: (size of the paper, address)."""
        values: dict[str, Any] = {
            "subject": self.institution.id,
            "campaign": self.text.campaign.slug,
        }
        return [
            (size.upper(), url_for("posters.poster", locale=self.language, size=size, **values))
            for size in PAPERS
        ]

    def _address(self, endpoint: str, **values: object) -> str:
        return absolute_url(endpoint, locale=self.language, **values)


@blueprint.get("/embed/")
@anyone
@rate_limited(SEARCH_LIMIT)
def compose() -> Response:
    form = Form(request.args.to_dict(flat=False))
    institution = institution_queries.resolve(form.value("institution"))
    query = form.value("institution_query")
    searches = query and (not institution or form.value("action") == "find")
    matches = institution_queries.search(query, locale=i18n.current()) if searches else []
    if matches:
        institution = None  # to be chosen among the matches
    response = make_response(
        render_template(
            "embed/compose.html",
            form=form,
            look=LOOK,
            institution=institution,
            matches=matches,
            texts=current_texts(),
            composition=_composition(form, institution) if institution else None,
        )
    )
    response.headers["Content-Security-Policy"] = _POLICY
    return response


def _composition(form: Form, institution: Institution) -> Composition:
    """The widget that the form describes; a value that is not offered becomes the first that is."""
    texts = {text.campaign.slug: text for text in current_texts()}
    language = form.value("language")
    language = language if i18n.is_offered(language) else i18n.current()
    slug = form.value("campaign")
    text = current_text(slug if slug in texts else next(iter(texts)), language)
    assert text is not None, "what is published in one language falls back to English in all"
    return Composition(
        institution=institution,
        text=text,
        widget=_one_of(form.value("widget"), ("card", *WIDGETS)),
        language=language,
        theme=_one_of(form.value("theme"), THEMES),
    )


def _one_of(value: str, offered: tuple[str, ...]) -> str:
    return value if value in offered else offered[0]
