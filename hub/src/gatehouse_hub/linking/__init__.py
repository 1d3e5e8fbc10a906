"""Events to incidents, with reasons. Pure.

Reading order: `rows` what is linked, `site_map` how near two zones are, `causes` what explains what, `weights` what speaks for a
link (`released` those of this version), `busyness` what speaks against any, `score` how much, `presence` what is never joined,
`opened` what can still take a row, `linker` the fold over rows, `amend` what recomputing changes, `priority` how urgent, `words`
why, in two languages. `replay` and `mapped` link what was recorded, here or elsewhere; `repeats` and `scoring` serve `mapped`.
"""
