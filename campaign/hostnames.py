"""Domain names: which part is anybody's, which is one owner's, and where mail is free for all.

The Public Suffix List comes bundled with the library; nothing here touches the network.
"""

from functools import cache

import idna
from publicsuffixlist import PublicSuffixList

# The list holds them so that browsers keep the sites below apart; mail there is one university's.
_ONE_OWNER = ("rub.de", "ruhr-uni-bochum.de")

# Hosts where anybody gets an address, so that it says nothing about where somebody works.
_FREE_MAIL = frozenset(  # hundreds of quotes and commas would hide what the list says
    """
    gmail.com googlemail.com outlook.com hotmail.com live.com msn.com windowslive.com passport.com
    yahoo.com ymail.com rocketmail.com aol.com aim.com icloud.com me.com mac.com mail.com email.com
    gmx.com gmx.net gmx.de gmx.at gmx.ch gmx.fr gmx.us gmx.co.uk proton.me protonmail.com
    protonmail.ch pm.me tutanota.com tutanota.de tuta.com tuta.io fastmail.com fastmail.fm
    hushmail.com hey.com inbox.com zohomail.com zohomail.eu zohomail.in mailfence.com mailbox.org
    posteo.de posteo.net disroot.org riseup.net duck.com

    hotmail.co.uk hotmail.fr hotmail.de hotmail.it hotmail.es hotmail.be hotmail.nl hotmail.se
    hotmail.no hotmail.dk hotmail.ch hotmail.gr hotmail.ca hotmail.com.br hotmail.com.ar
    hotmail.com.tr hotmail.co.jp hotmail.co.th hotmail.com.au outlook.fr outlook.de outlook.it
    outlook.es outlook.pt outlook.be outlook.dk outlook.com.br outlook.com.ar outlook.com.tr
    outlook.jp outlook.kr outlook.in outlook.sa outlook.cl live.co.uk live.fr live.de live.it
    live.nl live.be live.se live.no live.dk live.ca live.cn live.jp live.in live.com.au
    live.com.mx live.com.ar live.com.pt
    yahoo.co.uk yahoo.fr yahoo.de yahoo.it yahoo.es yahoo.ie yahoo.gr yahoo.se yahoo.no yahoo.dk
    yahoo.pl yahoo.ro yahoo.ca yahoo.com.br yahoo.com.ar yahoo.com.mx yahoo.com.co yahoo.com.pe
    yahoo.cl yahoo.com.ve yahoo.co.jp yahoo.ne.jp yahoo.co.in yahoo.in yahoo.co.id yahoo.com.au
    yahoo.co.nz yahoo.com.cn yahoo.cn yahoo.com.hk yahoo.com.tw yahoo.com.sg yahoo.com.my
    yahoo.com.ph yahoo.com.vn yahoo.co.th yahoo.co.kr yahoo.com.tr yahoo.co.za

    qq.com foxmail.com 163.com 126.com yeah.net 188.com sina.com sina.cn sohu.com tom.com
    aliyun.com 139.com 189.cn 21cn.com hinet.net naver.com hanmail.net daum.net nate.com kakao.com
    docomo.ne.jp ezweb.ne.jp softbank.ne.jp nifty.com biglobe.ne.jp so-net.ne.jp ocn.ne.jp
    excite.co.jp
    rediffmail.com rediff.com indiatimes.com sify.com vsnl.com vsnl.net bsnl.in maktoob.com
    masrawy.com chmail.ir mailfa.com walla.com walla.co.il netvision.net.il mynet.com

    mail.ru inbox.ru list.ru bk.ru internet.ru xmail.ru rambler.ru lenta.ru ro.ru myrambler.ru
    yandex.ru ya.ru yandex.com yandex.ua yandex.by yandex.kz narod.ru pochta.ru ukr.net i.ua
    meta.ua bigmir.net online.ua tut.by mail.kz

    web.de t-online.de freenet.de arcor.de online.de email.de aon.at chello.at bluewin.ch
    orange.fr wanadoo.fr free.fr laposte.net sfr.fr neuf.fr bbox.fr aliceadsl.fr club-internet.fr
    voila.fr skynet.be telenet.be ziggo.nl kpnmail.nl planet.nl hetnet.nl home.nl xs4all.nl
    libero.it virgilio.it alice.it tin.it tim.it tiscali.it iol.it inwind.it telefonica.net
    sapo.pt netcabo.pt clix.pt btinternet.com blueyonder.co.uk ntlworld.com virginmedia.com
    talktalk.net sky.com eircom.net telia.com spray.se online.no mail.dk jubii.dk kolumbus.fi
    luukku.com wp.pl o2.pl onet.pl op.pl vp.pl interia.pl gazeta.pl tlen.pl seznam.cz email.cz
    post.cz centrum.cz volny.cz azet.sk zoznam.sk freemail.hu citromail.hu abv.bg mail.bg inbox.lv
    apollo.lv mail.ee hot.ee net.hr eunet.rs otenet.gr

    uol.com.br bol.com.br terra.com.br ig.com.br globo.com globomail.com oi.com.br r7.com
    prodigy.net.mx terra.com fibertel.com.ar cantv.net nauta.cu

    comcast.net verizon.net att.net sbcglobal.net bellsouth.net cox.net charter.net earthlink.net
    optonline.net juno.com netzero.net shaw.ca rogers.com sympatico.ca videotron.ca telus.net
    bigpond.com bigpond.net.au optusnet.com.au iinet.net.au ozemail.com.au xtra.co.nz
    mweb.co.za telkomsa.net vodamail.co.za webmail.co.za
    """.split()  # noqa: SIM905
)


class InvalidDomain(ValueError):
    """The text cannot be a domain name."""


def ascii_domain(text: str) -> str:
    """The name as the DNS has it: small letters, A-labels, no dot at the end (UTS #46, RFC 5891).

    Raises InvalidDomain.
    """
    try:
        return idna.encode(text.strip().strip("."), uts46=True, transitional=False).decode().lower()
    except idna.IDNAError as error:
        raise InvalidDomain(str(error)) from error


def public_suffix(domain: str) -> str | None:
    """The part below which anybody can register ("ac.uk"); None under a top domain nobody knows.

    Counts the suffixes of private registries too (wroc.pl, ac.ru). Takes the form of ascii_domain.
    """
    suffix: str | None = _suffixes().publicsuffix(domain)
    return suffix


def registrable_domain(domain: str) -> str | None:
    """The part that has one owner ("ox.ac.uk" of "maths.ox.ac.uk"); None for a public suffix."""
    for owned in _ONE_OWNER:
        if domain == owned or domain.endswith(f".{owned}"):
            return owned
    registrable: str | None = _suffixes().privatesuffix(domain)
    return registrable


def is_free_mail(domain: str) -> bool:
    """Whether anybody can have an address there, or at a name below ("vip.163.com")."""
    return domain in _FREE_MAIL or registrable_domain(domain) in _FREE_MAIL


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList(accept_unknown=False)
