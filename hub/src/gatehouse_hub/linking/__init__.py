"""Events to incidents, with reasons. Pure.

Reading order: `rows` what is linked, `site_map` how near two zones are, `weights` what speaks for a link, `score` how much,
`presence` what may never be joined, `linker` the fold over rows, `priority` how urgent, `words` why, in two languages.
"""
