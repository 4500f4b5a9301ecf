"""The Grafana dashboards as code: `python -m dashboards.generator` writes the JSON beside this folder.

Plain Python and no library for it: what Grafana reads is JSON, the panels need only a small part of it,
and that part has not changed in years, while the libraries that write it do with each release.
`promql` has the building blocks of the queries, `grafana` those of the panels; then one file a dashboard.
"""
