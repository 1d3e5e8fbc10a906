"""The demo: a broker in this process, a hub, three agents, the sensors' story, and the check that it all comes alive."""
