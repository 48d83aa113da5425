"""One point for each country and territory: where pledges are drawn of which only the country is known.

The point is the centre of the country's largest part; if that lies outside, the point inside that is farthest
from coast and borders. Computed once from the countries of the npm package world-atlas 2.0.2 (50m; made from
Natural Earth, which is in the public domain). The 14 territories that it counts as part of another country
were set by hand, and three more points were moved:

- Kiribati (KI) to Tarawa and Malaysia (MY) to the peninsula, where most of their people live.
- Antarctica (AQ) to King George Island, where the stations of many countries stand: the map ends there.
"""

from types import MappingProxyType
from typing import NamedTuple

# Alpha-2 code, latitude, longitude.
_TABLE = """
AD 42.5 1.6, AE 23.9 54.3, AF 33.8 65.9, AG 17.1 -61.8, AI 18.2 -63.1, AL 41.1 20.1,
AM 40.3 44.9, AO -12.3 17.5, AQ -62.2 -58.9, AR -34.3 -64.6, AS -14.3 -170.7, AT 47.6 14.1,
AU -25.2 133.9, AW 12.5 -70, AX 60.2 19.9, AZ 40.3 47.7, BA 44.2 17.8, BB 13.2 -59.6,
BD 23.9 90.2, BE 50.6 4.6, BF 12.3 -1.8, BG 42.8 25.2, BH 26 50.5, BI -3.4 29.9, BJ 9.6 2.3,
BL 17.9 -62.8, BM 32.3 -64.8, BN 4.5 114.6, BO -16.7 -64.7, BQ 12.2 -68.3, BR -10.5 -53,
BS 24.7 -78, BT 27.4 90.4, BV -54.4 3.4, BW -22.1 23.8, BY 53.5 28, BZ 17.2 -88.7,
CA 56.4 -99.6, CC -12.2 96.9, CD -2.9 23.6, CF 6.6 20.5, CG -0.8 15.2, CH 46.8 8.2, CI 7.6 -5.6,
CK -21.2 -159.8, CL -23 -69.2, CM 5.7 12.7, CN 35.8 103, CO 3.9 -73, CR 10 -84.2, CU 20.7 -76.6,
CV 15.1 -23.6, CW 12.2 -69, CX -10.5 105.6, CY 34.9 33, CZ 49.7 15.3, DE 51 10.4, DJ 11.7 42.6,
DK 56.2 9.4, DM 15.4 -61.4, DO 18.9 -70.5, DZ 27.9 2.6, EC -1.4 -78.4, EE 58.7 25.8,
EG 26.4 29.9, EH 22 -13.7, ER 15.4 38.8, ES 40.3 -3.6, ET 8.6 39.6, FI 64.2 26.2, FJ -17.8 178,
FK -51.7 -58.8, FM 6.9 158.2, FO 62.2 -6.9, FR 46.5 2.5, GA -0.6 11.8, GB 52.6 -1.6,
GD 12.1 -61.7, GE 42.2 43.5, GF 3.9 -53.1, GG 49.5 -2.6, GH 7.9 -1.2, GI 36.1 -5.3,
GL 72.1 -41.5, GM 13.6 -15.3, GN 9.9 -9.5, GP 16.2 -61.5, GQ 1.6 10.5, GR 39.8 21.7,
GS -54.4 -36.7, GT 15.7 -90.4, GU 13.4 144.8, GW 12.2 -14.5, GY 4.8 -59, HK 22.4 114.1,
HM -53.1 73.5, HN 14.8 -86.6, HR 45.8 16.5, HT 19.2 -72.2, HU 47.2 19.4, ID -0.2 114,
IE 53.2 -8.1, IL 31 34.9, IM 54.2 -4.5, IN 22.6 79.4, IO -7.3 72.4, IQ 33 43.7, IR 32.4 54.3,
IS 65 -18.6, IT 43.4 12.2, JE 49.2 -2.1, JM 18.2 -77.3, JO 30.8 36.4, JP 36.1 138.4,
KE 0.6 37.8, KG 41.4 74.5, KH 12.7 104.9, KI 1.4 173, KM -11.7 43.3, KN 17.3 -62.7,
KP 40.1 127.2, KR 36.4 127.9, KW 29.3 47.6, KY 19.3 -81.3, KZ 47.9 67.2, LA 19.7 102.6,
LB 33.9 35.9, LC 13.9 -61, LI 47.1 9.5, LK 7.6 80.7, LR 6.5 -9.3, LS -29.6 28.2, LT 55.3 23.9,
LU 49.8 6.1, LV 56.8 24.9, LY 26.9 18, MA 31.9 -6.6, MC 43.8 7.4, MD 47.2 28.5, ME 42.8 19.2,
MF 18.1 -63.1, MG -19.3 46.7, MH 7.1 171.2, MK 41.6 21.7, ML 17.3 -3.6, MM 21.1 96.4,
MN 46.7 103, MO 22.2 113.5, MP 15.2 145.7, MQ 14.6 -61, MR 20.2 -10.4, MS 16.7 -62.2,
MT 35.9 14.4, MU -20.3 57.6, MV 4.2 73.5, MW -13.5 33.8, MX 23.7 -102.1, MY 3.8 102.2,
MZ -14.2 38.2, NA -22 17.2, NC -21.3 165.5, NE 17.4 9.3, NF -29.1 167.9, NG 9.6 8.1,
NI 12.8 -85, NL 52.3 5.6, NO 61.3 10.1, NP 28.2 83.9, NR -0.5 166.9, NU -19 -169.9,
NZ -43.9 170.5, OM 20.5 56, PA 8.3 -81, PE -12.9 -73.1, PF -17.7 -149.4, PG -6.6 144.2,
PH 17 121.4, PK 29.8 69.2, PL 52.1 19.4, PM 47 -56.4, PN -24.4 -128.3, PR 18.2 -66.5,
PS 31.9 35.2, PT 39.6 -8, PW 7.5 134.6, PY -23.2 -58.4, QA 25.3 51.2, RE -21.1 55.5, RO 45.8 25,
RS 44.2 20.8, RU 59.7 96.6, RW -2 29.9, SA 24 44.6, SB -9.6 160.2, SC -4.7 55.5, SD 15.9 29.9,
SE 65.3 18, SG 1.4 103.8, SH -16 -5.7, SI 46.1 14.8, SJ 78.2 15.6, SK 48.7 19.5, SL 8.6 -11.8,
SM 43.9 12.5, SN 14.4 -14.5, SO 2.4 42.8, SR 4.1 -55.9, SS 7.3 30.2, ST 0.2 6.6, SV 13.7 -88.9,
SX 18.1 -63.1, SY 35 38.5, SZ -26.6 31.5, TC 21.8 -71.7, TD 15.2 18.6, TF -49.3 69.2, TG 8.5 1,
TH 15.1 100.9, TJ 38.3 72.6, TK -9.2 -171.8, TL -8.8 125.9, TM 39.1 59.4, TN 35.2 9.6,
TO -21.2 -175.2, TR 39 35.4, TT 10.4 -61.3, TV -8.5 179.2, TW 23.7 121, TZ -6.3 34.8,
UA 49.1 31.3, UG 1.3 32.4, UM 19.3 166.6, US 39 -98.6, UY -32.8 -56, UZ 41.7 63.2, VA 41.9 12.4,
VC 13.3 -61.2, VE 7.1 -66.1, VG 18.4 -64.6, VI 17.7 -64.8, VN 21.5 105.4, VU -15.2 166.8,
WF -14.3 -178.1, WS -13.6 -172.4, XK 42.6 20.9, YE 15.9 47.5, YT -12.8 45.1, ZA -28.9 25.2,
ZM -14.8 26.1, ZW -19 29.8
"""


class Point(NamedTuple):
    """A place on earth, in degrees."""

    latitude: float
    longitude: float


POINTS = MappingProxyType(
    {
        code: Point(float(latitude), float(longitude))
        for code, latitude, longitude in (entry.split() for entry in _TABLE.split(","))
    }
)
