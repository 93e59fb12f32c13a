"""How long the main thread kept a client waiting, by what `probe` wrote."""

import bisect


class Stalls:
    """Delays of PINGREQ in milliseconds: as they were; without the wait for a processor; and of the
    latter those while no message was handed out."""

    def __init__(self, log, interval_ms, windows):
        samples = [tuple(map(float, line.split())) for line in log.open()]
        net = [(at * 1000, max(0, delay - held)) for at, delay, held in samples]
        self.raw = corrected([delay for _, delay, _ in samples], interval_ms)
        self.net = corrected([delay for _, delay in net], interval_ms)
        self.between = corrected(outside(net, sorted(windows)), interval_ms)


def outside(delays, windows):
    """The delays of pings that were not on their way within one of the windows."""
    ends = [end for _, end in windows]
    for at, delay in delays:
        # The thread may have been kept up before or behind.
        next_ = bisect.bisect_left(ends, at)
        if next_ == len(windows) or at + delay + 50 < windows[next_][0]:
            yield delay


def corrected(delays, interval_ms):
    """Sorted, with the pings added that would have been sent while one was waited for.

    As HdrHistogram's `copyCorrectedForCoordinatedOmission` does it.
    """
    all_ = []
    for delay in delays:
        while delay > 0:
            all_.append(delay)
            delay -= interval_ms
    return sorted(all_)


def percentile(delays, share):
    return delays[min(len(delays) - 1, int(len(delays) * share))]
