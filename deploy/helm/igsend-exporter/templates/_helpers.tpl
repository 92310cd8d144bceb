{{- define "igsend-exporter.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "igsend-exporter.fullname" -}}
{{- $name := include "igsend-exporter.name" . }}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride }}
{{- else if contains $name .Release.Name }}
{{- .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "igsend-exporter.selectorLabels" -}}
app.kubernetes.io/name: {{ include "igsend-exporter.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end }}

{{- /* The metadata of an object. Takes the root, and optionally name, namespace, labels and annotations. */}}
{{- define "igsend-exporter.metadata" -}}
{{- $labels := include "igsend-exporter.selectorLabels" .root | fromYaml }}
{{- $_ := set $labels "app.kubernetes.io/version" (.root.Chart.AppVersion | replace "+" "_" | trunc 63) }}
{{- $_ := set $labels "app.kubernetes.io/managed-by" .root.Release.Service }}
{{- $_ := set $labels "helm.sh/chart" (printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" | trunc 63) -}}
name: {{ default (include "igsend-exporter.fullname" .root) .name | quote }}
namespace: {{ default .root.Release.Namespace .namespace | quote }}
labels:
  {{- merge $labels (default dict .labels) .root.Values.commonLabels | toYaml | nindent 2 }}
{{- with .annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "igsend-exporter.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "igsend-exporter.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "igsend-exporter.image" -}}
{{- with .Values.image }}
{{- $tag := kindIs "string" .tag | ternary .tag (int64 .tag | toString) }}
{{- .repository }}:{{ default $.Chart.AppVersion $tag }}{{ with .digest }}@{{ . }}{{ end }}
{{- end }}
{{- end }}

{{- /* Helm reads numbers as floating point, so one with more than 15 digits may be another one by now. The exporter reads no
exponents. */}}
{{- define "igsend-exporter.config" -}}
{{- if kindIs "string" .Values.config }}
{{- .Values.config }}
{{- else }}
{{- $text := toYaml .Values.config }}
{{- with regexFind "(?m): -?([0-9]{16,}|[0-9.]{17,}|[0-9.]+e[+-]?[0-9]+)$" $text }}
{{- fail (printf "values: config: Helm made %s of a number: write that number in quotes, or pass the configuration with --set-file config=igsend.yml" (trimPrefix ": " .)) }}
{{- end }}
{{- $text }}
{{- end }}
{{- end }}

{{- /* A file that a link in files/ leads to. helm package puts the file in the place of the link. */}}
{{- define "igsend-exporter.file" -}}
{{- $content := .root.Files.Get .path }}
{{- if not (contains "\n" $content) }}
{{- fail (printf "chart: %s is not there: use the packaged chart, or a checkout of the whole repository with symbolic links" .path) }}
{{- end }}
{{- $content }}
{{- end }}
