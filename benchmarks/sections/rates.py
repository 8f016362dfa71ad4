"""What this machine does in a second, and the least time of an EM iteration that follows."""

from dataclasses import asdict

from benchmarks import roofline
from benchmarks.data import COVARIANCES, SHAPES
from benchmarks.report import Section, Table, number
from benchmarks.settings import Settings


def section(settings: Settings) -> Section:
    """Measure the machine and lay out its limits."""
    found = {threads: roofline.rates(threads) for threads in settings.threads}
    rates = [
        [str(threads), number(rate.flops / 1e9), number(rate.exponentials / 1e9), number(rate.bytes / 1e9)]
        for threads, rate in found.items()
    ]
    limits = [
        [covariance, str(threads)]
        + [number(1e3 * found[threads].limit(settings.sized(SHAPES[name]), covariance)) for name in settings.shapes]
        for covariance in COVARIANCES
        for threads in settings.threads
    ]
    tables = [
        Table("The machine", ["threads", "GFLOP/s", "np.exp, 1e9/s", "read, GB/s"], rates),
        Table("Limits, ms per iteration", ["covariance", "threads", *settings.shapes], limits),
    ]
    return Section("Limits", tables, figures={str(threads): asdict(rate) for threads, rate in found.items()})
