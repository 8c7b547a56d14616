/** The language for a locale such as `ar-SA`, with vendors that write in these two. */
export function arabicOrEnglish(locale: string, otherwise: 'ar' | 'en'): 'ar' | 'en' {
  const [language = ''] = locale.toLowerCase().split(/[-_]/);
  return language === 'ar' || language === 'en' ? language : otherwise;
}
