"""The Equal Earth projection, which shows every country in its true relative size.

Source: B. Šavrič, T. Patterson, B. Jenny, "The Equal Earth map projection", International Journal of
Geographical Information Science 33 (3), 2019 (online 2018), equations 3 to 5. x is linear in the longitude,
so a map has another centre once its longitudes are shifted.
"""

from math import asin, cos, radians, sin, sqrt

_A1, _A2, _A3, _A4 = 1.340264, -0.081106, 0.000893, 0.003796
_M = sqrt(3) / 2


def project(longitude: float, latitude: float) -> tuple[float, float]:
    """Return (x, y) on a globe of radius 1 for degrees east of the central meridian and north of the equator.

    Longitudes beyond ±180° are projected beyond the edge of the map, so that a coast can be cut there.
    """
    # theta is the paper's parametric latitude, slope the derivative of y by it: dividing x by it keeps areas equal.
    theta = asin(_M * sin(radians(latitude)))
    squared = theta * theta
    sixth = squared**3
    slope = 9 * _A4 * squared * sixth + 7 * _A3 * sixth + 3 * _A2 * squared + _A1
    x = radians(longitude) * cos(theta) / (_M * slope)
    y = theta * (_A4 * squared * sixth + _A3 * sixth + _A2 * squared + _A1)
    return x, y


WIDTH = 2 * project(180, 0)[0]
HEIGHT = 2 * project(0, 90)[1]
