{{- define "raft-cluster.name" -}}
{{- $name := .Values.nameOverride | default .Release.Name -}}
{{- if gt (len $name) 40 }}{{ fail (printf "the name %s has more than 40 characters: set nameOverride" $name) }}{{ end -}}
{{ $name }}
{{- end }}
