"""The HTML of the pages that say what publications changed: no script, nothing from the network."""

PAGE = """<!doctype html>
<html lang="sv">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ title }}</title>
<style>
body { font-family: system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem }
table { border-collapse: collapse; margin: .5rem 0 1.5rem }
th, td { border-bottom: 1px solid #ccc; padding: .25rem .6rem; text-align: left; vertical-align: top }
td.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }
caption { text-align: left; color: #555; padding-bottom: .3rem }
</style>
</head>
<body>
<h1>{{ title }}</h1>
{% block body %}{% endblock %}
</body>
</html>
"""
VERSION_PAGE = """{% extends "page" %}
{% block body %}
<p>Jämfört med version {{ record.version_before }}, som läsarna hade före. Byggd {{ record.built_at }}.
<a href="index.html">Alla publiceringar</a></p>
<table>
<tr><th>Förändring</th><th>Antal</th></tr>
{% for kind in kinds %}<tr><td><a href="#{{ kind.id }}">{{ kind.title }}</a></td>\
<td class="n">{{ kind.n }}</td></tr>
{% endfor %}</table>
{% for kind in kinds %}
<h2 id="{{ kind.id }}">{{ kind.title }}: {{ kind.n }}</h2>
<table>
<tr><th>Mått eller grupp</th><th>Fält</th><th>Antal</th><th>Kommuner</th><th>Störst eller först</th>\
<th>Före</th><th>Efter</th><th>Skillnad</th></tr>
{% for row in kind.rows %}<tr>\
<td>{{ row.subject or row.subject_id }}<br><small>{{ row.subject_id }}</small></td>\
<td>{{ row.field }}</td><td class="n">{{ row.n }}</td><td class="n">{{ row.n_municipalities }}</td>\
<td>{{ row|place }}</td><td class="n">{{ row|before }}</td><td class="n">{{ row|after }}</td>\
<td class="n">{{ row|difference }}</td></tr>
{% endfor %}</table>
{% if kind.cells %}<table>
<caption>De enskilda värdena, högst {{ shown }}: de största först bland de ändrade. Alla: \
<code>ame diff {{ record.version_before }} {{ record.version }} --format csv</code></caption>
<tr><th>Kommun</th><th>Mått</th><th>Period</th><th>Kön</th><th>Före</th><th>Efter</th><th>Skillnad</th></tr>
{% for row in kind.cells %}<tr><td>{{ row.municipality or row.municipality_id or "" }}</td>\
<td>{{ row.measure or row.measure_id }}</td><td>{{ row.period or "" }}</td><td>{{ row.gender or "" }}</td>\
<td class="n">{{ row|before }}</td><td class="n">{{ row|after }}</td>\
<td class="n">{{ row|difference }}</td></tr>
{% endfor %}</table>{% endif %}
{% endfor %}
{% endblock %}
"""
INDEX_PAGE = """{% extends "page" %}
{% block body %}
<p>En rad per publicering som ändrade något. Samma siffror: <code>quality.changes</code>, \
<code>ame changes</code>.</p>
<table>
<tr><th>Version</th><th>Jämförd med</th>{% for title in titles %}<th>{{ title }}</th>{% endfor %}</tr>
{% for line in lines %}<tr><td><a href="{{ line.version }}.html">{{ line.version }}</a></td>\
<td>{{ line.version_before }}</td>{% for n in line.counts %}<td class="n">{{ n or "" }}</td>{% endfor %}</tr>
{% endfor %}</table>
{% endblock %}
"""
