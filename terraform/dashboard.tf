locals {
  # A line for each chart: what it shows, and how series become lines.
  charts = [
    { title = "Requests by route", filter = local.api_metric["api_requests"], aligner = "ALIGN_RATE", reducer = "REDUCE_SUM", by = ["metric.label.endpoint"] },
    { title = "Requests by outcome", filter = local.api_metric["api_requests"], aligner = "ALIGN_RATE", reducer = "REDUCE_SUM", by = ["metric.label.outcome"] },
    { title = "Failures by route", filter = local.api_metric["api_failures"], aligner = "ALIGN_RATE", reducer = "REDUCE_SUM", by = ["metric.label.endpoint"] },
    { title = "Latency p50 by route (ms)", filter = local.api_metric["api_latency"], aligner = "ALIGN_DELTA", reducer = "REDUCE_PERCENTILE_50", by = ["metric.label.endpoint"] },
    { title = "Latency p95 by route (ms)", filter = local.api_metric["api_latency"], aligner = "ALIGN_DELTA", reducer = "REDUCE_PERCENTILE_95", by = ["metric.label.endpoint"] },
    { title = "Latency p99 by route (ms)", filter = local.api_metric["api_latency"], aligner = "ALIGN_DELTA", reducer = "REDUCE_PERCENTILE_99", by = ["metric.label.endpoint"] },
    { title = "Background work by function", filter = local.api_metric["background_runs"], aligner = "ALIGN_RATE", reducer = "REDUCE_SUM", by = ["metric.label.function"] },
    { title = "Background failures by outcome", filter = local.api_metric["background_failures"], aligner = "ALIGN_RATE", reducer = "REDUCE_SUM", by = ["metric.label.function", "metric.label.outcome"] },
    { title = "Background latency p95 (ms)", filter = local.api_metric["background_latency"], aligner = "ALIGN_DELTA", reducer = "REDUCE_PERCENTILE_95", by = ["metric.label.function"] },
    { title = "Oldest event not handled (s)", filter = "metric.type=\"pubsub.googleapis.com/subscription/oldest_unacked_message_age\" AND resource.type=\"pubsub_subscription\"", aligner = "ALIGN_MAX", reducer = "REDUCE_MAX", by = ["resource.label.subscription_id"] },
    { title = "Events not handled", filter = "metric.type=\"pubsub.googleapis.com/subscription/num_undelivered_messages\" AND resource.type=\"pubsub_subscription\"", aligner = "ALIGN_MEAN", reducer = "REDUCE_SUM", by = ["resource.label.subscription_id"] },
    { title = "Tasks in queues", filter = "metric.type=\"cloudtasks.googleapis.com/queue/depth\" AND resource.type=\"cloud_tasks_queue\"", aligner = "ALIGN_MEAN", reducer = "REDUCE_SUM", by = ["resource.label.queue_id"] },
    { title = "Delay of tasks p95 (ms)", filter = "metric.type=\"cloudtasks.googleapis.com/queue/task_attempt_delays\" AND resource.type=\"cloud_tasks_queue\"", aligner = "ALIGN_PERCENTILE_95", reducer = "REDUCE_MAX", by = ["resource.label.queue_id"] },
    { title = "Attempts of tasks by code", filter = "metric.type=\"cloudtasks.googleapis.com/queue/task_attempt_count\" AND resource.type=\"cloud_tasks_queue\"", aligner = "ALIGN_RATE", reducer = "REDUCE_SUM", by = ["resource.label.queue_id", "metric.label.response_code"] },
    { title = "Requests by service and class", filter = "metric.type=\"run.googleapis.com/request_count\" AND resource.type=\"cloud_run_revision\"", aligner = "ALIGN_RATE", reducer = "REDUCE_SUM", by = ["resource.label.service_name", "metric.label.response_code_class"] },
    { title = "Memory p99 by service", filter = "metric.type=\"run.googleapis.com/container/memory/utilizations\" AND resource.type=\"cloud_run_revision\"", aligner = "ALIGN_PERCENTILE_99", reducer = "REDUCE_MAX", by = ["resource.label.service_name"] },
    { title = "Dead letters", filter = local.api_metric["dead_letters"], aligner = "ALIGN_SUM", reducer = "REDUCE_SUM", by = ["metric.label.function"] },
    { title = "Found and made good", filter = local.api_metric["reconciler_findings"], aligner = "ALIGN_SUM", reducer = "REDUCE_SUM", by = ["metric.label.function"] },
    { title = "Calls that a model did not answer", filter = local.api_metric["failed_answers"], aligner = "ALIGN_SUM", reducer = "REDUCE_SUM", by = ["metric.label.model"] },
    { title = "Answers by model", filter = local.api_metric["answers"], aligner = "ALIGN_RATE", reducer = "REDUCE_SUM", by = ["metric.label.model", "metric.label.served"] },
    { title = "Tokens of an answer p95", filter = local.api_metric["answer_tokens"], aligner = "ALIGN_DELTA", reducer = "REDUCE_PERCENTILE_95", by = ["metric.label.model"] },
    { title = "Cost of an answer p50 (millionths)", filter = local.api_metric["answer_cost"], aligner = "ALIGN_DELTA", reducer = "REDUCE_PERCENTILE_50", by = ["metric.label.model"] },
    { title = "First word p95 (ms)", filter = local.api_metric["answer_first_word"], aligner = "ALIGN_DELTA", reducer = "REDUCE_PERCENTILE_95", by = ["metric.label.model"] },
    { title = "Breakers opened", filter = local.api_metric["breaker_openings"], aligner = "ALIGN_SUM", reducer = "REDUCE_SUM", by = ["metric.label.model"] },
    { title = "Failed sign-ins", filter = local.api_metric["failed_logins"], aligner = "ALIGN_SUM", reducer = "REDUCE_SUM", by = ["metric.label.outcome"] },
    { title = "Instances", filter = "metric.type=\"run.googleapis.com/container/instance_count\" AND resource.type=\"cloud_run_revision\"", aligner = "ALIGN_MAX", reducer = "REDUCE_SUM", by = ["resource.label.service_name"] },
    { title = "Firestore reads", filter = "metric.type=\"firestore.googleapis.com/document/read_count\" AND resource.type=\"firestore_instance\"", aligner = "ALIGN_RATE", reducer = "REDUCE_SUM", by = ["metric.label.type"] },
    { title = "Firestore writes", filter = "metric.type=\"firestore.googleapis.com/document/write_count\" AND resource.type=\"firestore_instance\"", aligner = "ALIGN_RATE", reducer = "REDUCE_SUM", by = ["metric.label.op"] },
  ]

  chart_columns = 3
  chart_width   = 16
  chart_height  = 12
}

resource "google_monitoring_dashboard" "this" {
  dashboard_json = jsonencode({
    displayName = "Scrollback"
    mosaicLayout = {
      columns = local.chart_columns * local.chart_width
      tiles = [
        for index, chart in local.charts : {
          xPos   = index % local.chart_columns * local.chart_width
          yPos   = floor(index / local.chart_columns) * local.chart_height
          width  = local.chart_width
          height = local.chart_height
          widget = {
            title = chart.title
            xyChart = {
              dataSets = [{
                plotType = "LINE"
                timeSeriesQuery = {
                  timeSeriesFilter = {
                    filter = chart.filter
                    aggregation = {
                      alignmentPeriod    = "60s"
                      perSeriesAligner   = chart.aligner
                      crossSeriesReducer = chart.reducer
                      groupByFields      = chart.by
                    }
                  }
                }
              }]
            }
          }
        }
      ]
    }
  })

  depends_on = [google_project_service.this]
}
