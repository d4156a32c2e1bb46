"""What Envoy asks and tells: may this request go on, and how did it end. The same pipeline answers."""
