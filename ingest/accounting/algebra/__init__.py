"""Pure counter algebra: readings become consumption per quarter hour, exactly, in whole quanta.

    columns.py      what it takes and gives
    pairing.py      pairs(): readings → what the meter counted between consecutive usable ones
    spreading.py    spread(): pairs → rows per quarter hour
    overlaying.py   overlay(): what people said, laid over the rows
    tails.py        a calm register goes on from its last reading instead of from everything

Within pairs():

    quanta.py       rounding, what is unusable, segments between changes on record
    excursions.py   dips, spikes (and swapped.py: exchanged words) are set aside; REACH
    records.py      states that a person wrote down at a change
    registers.py    what is plain, what is judged; advances.py: how far a register got, limits.py: how far it can
    rates.py        powers, flows, interval meters

Within spread(): courses.py, how far a pair had got at a border.
"""
