{{ findings_of(source('kolada', 'findings'), ref('stg_kolada__measures')) }}
