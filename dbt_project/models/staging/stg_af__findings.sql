{{ findings_of(af_source('findings'), ref('stg_af__files')) }}
