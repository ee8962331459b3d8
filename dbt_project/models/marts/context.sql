{{ long_mart("context") }}
