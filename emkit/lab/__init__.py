"""The laboratory: what EM does, term by term, and which rule broke when the likelihood falls.

bound, decompose, gains         the bound that EM raises, and what each step gains by raising it and for free
audit                           whether EM ascends with this model and, where it does not, why
rate                            how fast EM converges, and the direction in which it is slowest
profile, between, basins        the objective along a parameter or between two models; which optima starts reach
compare                         algorithms or starts, by passes over the data and by time
"""

from emkit.lab.audit import audit
from emkit.lab.basins import Basin, Basins, basins
from emkit.lab.bound import Bound, Gain, bound, decompose, gains
from emkit.lab.causes import Cause, Finding
from emkit.lab.comparison import Comparison, Course, compare
from emkit.lab.profile import Profile, between, profile
from emkit.lab.rate import Rate, rate
from emkit.lab.report import Report

__all__ = [
    "Basin",
    "Basins",
    "Bound",
    "Cause",
    "Comparison",
    "Course",
    "Finding",
    "Gain",
    "Profile",
    "Rate",
    "Report",
    "audit",
    "basins",
    "between",
    "bound",
    "compare",
    "decompose",
    "gains",
    "profile",
    "rate",
]
