"""The outbox over MQTT, and the hub's acknowledgements back. I/O, but for `window.py`, `acks.py`, `hearing.py` and `requests.py`,
which are pure.

Broker    any MQTT 3.1.1 broker will do, and none is believed: a PUBACK frees a place among the 50 publishes on the wire, nothing
          more. Rows leave the outbox only by the hub's own acknowledgement.
Reading   `window.py` what to publish now, `acks.py` what an acknowledgement means, `hearing.py` whether any comes, `requests.py`
          answers to the hub's verbs, `mqtt.py` one connection at a time through paho, `courier.py` joins them with the outbox.
"""
