"""A whole small world in one thread: gateways, broker and hub with their real code, and time, network and disks made of numbers.

Reading  `schedule.py` time, chance and trace; `disk.py` disks that lose what was not synced; `network.py` the broker and the ways
         to it; `gateway.py` and `hub.py` the processes; `places.py` the sites and what happens there; `faults.py` what goes
         wrong; `truth.py` what was accepted and what must hold; `world.py` one run; `mutants.py` defects that must be found.
Replay   one seed decides everything. Nothing here asks a wall clock, starts a thread or draws from an unseeded source.
"""
